"""``mock-sts completion``: a script for a shell that completes commands, options, files, clients, people and rules.

It is made of the parser, so that a new command or option needs nothing here.
"""

import argparse
from collections.abc import Iterator
from typing import Any

from mock_sts.cli.parser import CLIENT, FILE, FOLDER, PERSONA, RULE, Commands, Parser, held_by
from mock_sts.cli.settings import settings_of

_SHELLS = ("bash", "zsh", "fish", "powershell")

_HOW = (
    "bash: source <(mock-sts completion bash), in ~/.bashrc for always. zsh: write it to _mock-sts in a folder of "
    "$fpath. fish: mock-sts completion fish | source. PowerShell: mock-sts completion powershell | Out-String | "
    "Invoke-Expression."
)


def add_completion(commands: Commands) -> None:
    """Add ``completion``."""
    parser = commands.add_parser(
        "completion", help="print what makes your shell complete commands and names", epilog=_HOW
    )
    parser.add_argument("shell", nargs="?", choices=_SHELLS, metavar="SHELL", help=", ".join(_SHELLS))
    # The script asks this when a name is to be completed.
    parser.add_argument("--words", choices=(CLIENT, PERSONA, RULE), help=argparse.SUPPRESS)
    parser.set_defaults(run=_completion)


def _completion(parsed: argparse.Namespace) -> int:
    if parsed.words is not None:
        for word in _words(parsed.words):
            print(word)
        return 0
    if parsed.shell is None:
        print(_HOW)
        return 0
    import shtab  # noqa: PLC0415

    offers = {
        FILE: shtab.FILE,
        FOLDER: shtab.DIRECTORY,
        **{kind: shtab.cmd(f"mock-sts completion --words {kind} 2>/dev/null") for kind in (CLIENT, PERSONA, RULE)},
    }
    if parsed.shell == "powershell":  # which throws errors away by itself
        offers |= {kind: shtab.cmd(f"mock-sts completion --words {kind}") for kind in (CLIENT, PERSONA, RULE)}
    parser: Parser = parsed.whole
    for argument in _arguments(parser):
        kind = held_by(argument)
        if kind is not None:
            argument.complete = offers[kind]  # type: ignore[attr-defined]
    print(shtab.complete(parser, parsed.shell), end="")
    return 0


def _arguments(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """All arguments of ``parser`` and of the commands in it."""
    for action in parser._actions:  # no public name; the library that completes reads it too
        yield action
        inner: Any = action.choices
        if isinstance(inner, dict):
            for command in inner.values():
                if isinstance(command, Parser):
                    yield from _arguments(command)


def _words(kind: str) -> list[str]:
    """The names of ``kind`` that a shell can offer: those of the database, of the shipped world where there is none."""
    if kind == RULE:
        from mock_sts.helseid.profile import BOOK  # noqa: PLC0415

        return [rule.id for chapter in BOOK for rule in chapter.requirements]
    from mock_sts.helseid.registry.client import Client  # noqa: PLC0415
    from mock_sts.helseid.registry.persona import Persona  # noqa: PLC0415
    from mock_sts.storage import open_store  # noqa: PLC0415
    from mock_sts.store.fixtures.files import world_folders  # noqa: PLC0415
    from mock_sts.store.fixtures.rows import Registry, read_world  # noqa: PLC0415
    from mock_sts.store.opening import is_missing  # noqa: PLC0415

    settings, _ = settings_of()
    people: list[Persona] = []
    clients: list[Client] = []
    if is_missing(settings.database_url):
        world = read_world(world_folders(settings.fixtures))
        people += [entry.item for entry in world.of(Persona).values()]
        clients += [entry.item for entry in world.of(Client).values()]
    else:
        store = open_store(settings)
        try:
            registry = Registry(store)
            people += [row.item for row in registry.rows(Persona)] if kind == PERSONA else []
            clients += [row.item for row in registry.rows(Client)] if kind == CLIENT else []
        finally:
            store.close()
    names = [one.client_id for one in clients] if kind == CLIENT else [one.persona or one.pid for one in people]
    return [name for name in names if name.split() == [name]]
