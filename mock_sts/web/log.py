"""What goes into the log: whatever a stranger sent and a line quotes, no private key."""

import logging

from mock_sts.protocol.private_keys import without_private_text

#: All loggers of the program; a filter counts for the lines of its own logger alone.
_LOGGERS = ("mock_sts", "mock_sts.access")


class KeepsKeysOut(logging.Filter):
    """Takes private keys out of every line of a logger, and of the tracebacks below it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change ``record``; it is always logged."""
        line = record.getMessage()
        kept = without_private_text(line)
        if kept is not line:
            record.msg, record.args = kept, ()
        if record.exc_info and not record.exc_text:
            record.exc_text = without_private_text(logging.Formatter().formatException(record.exc_info))
        return True


_FILTER = KeepsKeysOut()


def keep_keys_out() -> None:
    """Have the loggers of this process take private keys out of their lines; more than once does no harm."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_FILTER)
