"""The journal of a server, read over HTTP as any program can."""

import ssl
import urllib.parse
from collections.abc import Mapping
from typing import Any

from mock_sts.client.http import NoAnswerError, ask

#: Where a server's journal is read.
_JOURNAL = "/mock/api/v1/journal"

#: Seconds for one answer.
_TIMEOUT = 10


class JournalClosedError(NoAnswerError):
    """The server wants its admin token before it shows its journal."""


def read_journal(
    issuer: str, wanted: Mapping[str, str | int], admin_token: str, context: ssl.SSLContext | None
) -> list[dict[str, Any]]:
    """The entries that fit ``wanted`` (parameters of the journal's endpoint), the newest first, as JSON-ready mappings.

    ``admin_token`` is sent where it is not empty. Raises NoAnswerError; JournalClosedError where it is wanted.
    """
    url = f"{issuer}{_JOURNAL}?{urllib.parse.urlencode(wanted)}"
    headers = {"Authorization": f"Bearer {admin_token}"} if admin_token else {}
    answer = ask(url, seconds=_TIMEOUT, context=context, headers=headers, redirected=False)
    if answer.status == 401:
        raise JournalClosedError(f"{issuer} shows its journal to those only who send its MOCK_STS_ADMIN_TOKEN")
    if answer.status != 200:
        try:
            why = str(answer.document().get("detail", ""))
        except NoAnswerError:
            why = ""
        raise NoAnswerError(f"status {answer.status} from {url}{why and ': '}{why}")
    entries = answer.document().get("entries")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise NoAnswerError(f"what {url} answers is no journal: entries is missing")
    return entries
