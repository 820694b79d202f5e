"""Stands in for Windows: ``python -m tests.support.windows WORDS`` is ``mock-sts WORDS`` without POSIX.

Modules and attributes that Windows lacks are taken away before a module of ours is imported, ``sys.platform`` says
win32, and what Windows refuses is refused: another file in the place of one that is open, its removal, ``os.kill`` of
any kind, a port that another program may share, readers of an event loop, handlers of signals that it has not. Modules
of others are imported first; on Windows they choose what is theirs.

It cannot show what Windows does by itself, only that nothing of ours asks for what is not there.
"""

import asyncio
import errno
import os
import select
import signal
import socket
import ssl
import stat
import sys
import types
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

#: Of the standard library and of what a server depends on; each makes its own choice of a system when it is imported.
OTHERS = (
    "asyncio.proactor_events",
    "authlib",
    "concurrent.futures.thread",
    "cryptography.x509",
    "cryptography.hazmat.primitives.serialization",
    "ctypes",
    "faker",
    "flask",
    "http.client",
    "http.server",
    "httptools",
    "joserfc.jwt",
    "logging.config",
    "psutil",
    "shutil",
    "sqlalchemy.dialects.sqlite",
    "sqlite3",
    "subprocess",
    "tempfile",
    "urllib.request",
    "uvicorn.config",
    "uvicorn.protocols.http.httptools_impl",
    "uvicorn.server",
    "webbrowser",
    "werkzeug.serving",
    "wsgiref.types",
    "yaml",
)

MODULES = ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "posix", "syslog", "readline")

#: By the module that has them.
ATTRIBUTES: dict[Any, tuple[str, ...]] = {
    os: (
        *("fork", "forkpty", "wait", "wait3", "wait4", "waitid", "WNOHANG", "killpg", "getpgid", "setsid", "setpgid"),
        *("getuid", "geteuid", "getgid", "getegid", "getgroups", "setuid", "chown", "lchown", "fchmod", "fchown"),
        *("mkfifo", "mknod", "uname", "sysconf", "sched_getaffinity", "pidfd_open", "set_blocking", "get_blocking"),
        *("O_CLOEXEC", "O_NONBLOCK", "O_NOFOLLOW", "O_DIRECTORY", "pipe2", "sendfile", "posix_spawn", "statvfs"),
        *("nice", "sync", "chroot", "openpty", "ctermid", "register_at_fork"),
    ),
    signal: (
        *("SIGHUP", "SIGKILL", "SIGCHLD", "SIGUSR1", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGQUIT", "SIGSTOP", "SIGCONT"),
        *("SIGWINCH", "SIGTSTP", "pthread_sigmask", "alarm", "setitimer", "siginterrupt", "sigwait", "pause"),
    ),
    socket: (
        *("AF_UNIX", "SO_REUSEPORT", "AF_NETLINK", "AF_PACKET", "send_fds", "recv_fds", "SCM_RIGHTS", "CMSG_LEN"),
    ),
    select: ("poll", "epoll"),
}

#: That Windows has.
SIGNALS = ("SIGABRT", "SIGFPE", "SIGILL", "SIGINT", "SIGSEGV", "SIGTERM", "SIGBREAK")

#: The same modules, of which anything may be taken away.
OS: Any = os
SIGNAL: Any = signal
SOCKET: Any = socket
SELECT: Any = select
SSL: Any = ssl

_IN_USE = 32

#: Its number there; nothing has it here.
_EXCLUSIVE = -5


class ForbiddenError(BaseException):
    """Something was done that would end a process, or fail, on Windows. No handler of ours catches it."""


def stand_in() -> None:
    """Take POSIX away from this process, for good."""
    for name in OTHERS:
        __import__(name)
    assert not [name for name in sys.modules if name.partition(".")[0] == "mock_sts"], "something of ours is there"
    locks = __import__("fcntl")
    for name in MODULES:
        sys.modules[name] = None  # type: ignore[assignment]  # whoever imports it hears that there is none
    sys.modules["msvcrt"] = _msvcrt(locks)
    _socket_pairs()
    for module, names in ATTRIBUTES.items():
        for name in names:
            if hasattr(module, name):
                delattr(module, name)
    _signals()
    _files()
    _sockets()
    _loops()
    OS.kill = _forbidden("os.kill")
    OS.waitpid = _forbidden("os.waitpid of what is no handle")
    sys.platform = "win32"
    # What it would read of the system's store of certificates is not here.
    SSL.SSLContext.load_default_certs = lambda self, *_: self.set_default_verify_paths()


def _forbidden(what: str) -> Callable[..., Any]:
    def refuse(*_: object, **__: object) -> Any:
        raise ForbiddenError(what)

    return refuse


def _msvcrt(locks: Any) -> types.ModuleType:
    """Its locks, by those that are there."""
    made: Any = types.ModuleType("msvcrt")
    made.LK_UNLCK, made.LK_LOCK, made.LK_NBLCK = 0, 1, 2

    def locking(number: int, mode: int, count: int) -> None:
        assert count == 1 and os.lseek(number, 0, os.SEEK_CUR) == 0, "another byte than the first"
        try:
            if mode == made.LK_UNLCK:
                locks.lockf(number, locks.LOCK_UN, 1)
            else:
                locks.lockf(number, locks.LOCK_EX | locks.LOCK_NB, 1)
        except OSError as error:
            raise PermissionError(errno.EACCES, "Permission denied") from error

    made.locking = locking
    found: types.ModuleType = made
    return found


def _socket_pairs() -> None:
    """Event loops wake themselves by one."""
    pair, family = socket.socketpair, socket.AF_UNIX
    SOCKET.socketpair = lambda *_, **__: pair(family)


def _signals() -> None:
    SIGNAL.SIGBREAK = signal.SIGTRAP
    known = {getattr(signal, name) for name in SIGNALS}
    handle = signal.signal

    def set_handler(number: int, handler: Any) -> Any:
        if number not in known:
            raise ValueError(f"invalid signal value {number}")
        return handle(number, handler)

    SIGNAL.signal = set_handler


def _is_open(path: Any) -> bool:
    """Whether this process has the file open."""
    with suppress(OSError):
        wanted = Path(path).stat()
        for number in Path("/proc/self/fd").iterdir():
            with suppress(OSError):
                found = os.fstat(int(number.name))
                if (found.st_dev, found.st_ino) == (wanted.st_dev, wanted.st_ino) and stat.S_ISREG(found.st_mode):
                    return True
    return False


def _refuse_open(*paths: Any) -> None:
    for path in paths:
        if _is_open(path):
            error = PermissionError(errno.EACCES, "The process cannot access the file", str(path))
            vars(error)["winerror"] = _IN_USE
            raise error


def _files() -> None:
    replace, rename, remove = os.replace, os.rename, os.remove

    def put(old: Any, new: Any, **options: Any) -> None:
        _refuse_open(old, new)
        replace(old, new, **options)

    def move(old: Any, new: Any, **options: Any) -> None:
        _refuse_open(old)
        if os.path.lexists(new):
            raise FileExistsError(errno.EEXIST, "Cannot create a file when that file already exists", str(new))
        rename(old, new, **options)

    def drop(path: Any, **options: Any) -> None:
        _refuse_open(path)
        remove(path, **options)

    OS.replace, OS.rename, OS.remove, OS.unlink = put, move, drop, drop
    # Modes are not kept, and what is not read-only may be written to by everybody that the folder lets in.
    open_file = os.open

    def open_shut(path: Any, flags: int, mode: int = 0o777, **options: Any) -> int:
        return open_file(path, flags, 0o666, **options)

    OS.open = open_shut
    OS.chmod = lambda *_, **__: None


def _sockets() -> None:
    SOCKET.SO_EXCLUSIVEADDRUSE = _EXCLUSIVE
    plain = socket.socket.setsockopt
    bind = socket.socket.bind
    exclusive: set[int] = set()

    def set_option(self: socket.socket, level: int, option: int, *value: Any) -> None:
        if (level, option) == (socket.SOL_SOCKET, _EXCLUSIVE):
            exclusive.add(id(self))
            return
        if (level, option) == (socket.SOL_SOCKET, socket.SO_REUSEADDR):
            raise ForbiddenError("another program could take the port (SO_REUSEADDR)")
        plain(self, level, option, *value)

    def take(self: socket.socket, address: Any) -> None:
        if self.type == socket.SOCK_STREAM and id(self) not in exclusive:
            raise ForbiddenError("another program could take the port (no SO_EXCLUSIVEADDRUSE)")
        bind(self, address)

    SOCKET.socket.setsockopt = set_option
    SOCKET.socket.bind = take
    ask = select.select

    def only_sockets(reads: Any, writes: Any, errors: Any, *seconds: Any) -> Any:
        for one in (*reads, *writes, *errors):
            if not stat.S_ISSOCK(os.fstat(one if isinstance(one, int) else one.fileno()).st_mode):
                raise OSError(errno.ENOTSOCK, "An operation was attempted on something that is not a socket")
        return ask(reads, writes, errors, *seconds)

    SELECT.select = only_sockets


def _loops() -> None:
    def refuse(self: Any, *_: Any) -> Any:
        raise NotImplementedError

    for name in ("add_reader", "remove_reader", "add_writer", "remove_writer"):
        setattr(asyncio.selector_events.BaseSelectorEventLoop, name, refuse)
    for name in ("add_signal_handler", "remove_signal_handler"):
        setattr(asyncio.unix_events._UnixSelectorEventLoop, name, refuse)


def main(words: list[str]) -> int:
    """A command of ours."""
    stand_in()
    from mock_sts.cli.main import main as command

    return command(words)


if __name__ == "__main__":
    assert Path("/proc/self/fd").is_dir(), "Linux plays Windows"
    raise SystemExit(main(sys.argv[1:]))
