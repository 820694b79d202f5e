"""Writing generated fixtures into a folder, beside what was written there by hand."""

from pathlib import Path

from mock_sts.helseid.generation import Taken, generate
from mock_sts.helseid.registry.documents import DocumentError
from mock_sts.helseid.registry.organization import Organization
from mock_sts.helseid.registry.persona import Persona
from mock_sts.store.fixtures import rows
from mock_sts.store.fixtures.files import shipped_world


def write_generated(folder: Path, *, seed: int, people: int, organizations: int) -> list[Path]:
    """Write the generated files into ``folder``; which they are. Raises DocumentError.

    Numbers and names of the hand-made files there are left to them, and those of the shipped world, which lies below.
    """
    if not folder.is_dir():
        raise DocumentError(f"fixtures generate: {str(folder)!r} is no folder; make it, or give another with --folder")
    texts = generate(seed, people, organizations, _taken(folder))
    try:
        for name, content in texts.items():
            (folder / name).write_text(content, encoding="utf-8", newline="\n")
    except OSError as error:
        raise DocumentError(f"fixtures generate: {folder} cannot be written: {error}") from None
    return [folder / name for name in texts]


def _taken(folder: Path) -> Taken:
    people, organizations = rows.hand_made(folder, Persona), rows.hand_made(folder, Organization)
    if folder.resolve() != shipped_world().resolve():
        shipped = rows.read_world([shipped_world()])
        people += [entry.item for entry in shipped.of(Persona).values()]
        organizations += [entry.item for entry in shipped.of(Organization).values()]
    return Taken(
        {person.pid for person in people},
        {person.hpr_number for person in people},
        {organization.number for organization in organizations},
        {person.persona for person in people},
    )
