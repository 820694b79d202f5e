"""``mock-sts doctor``: the doctor with what this machine and its settings know."""

import argparse
import os
from pathlib import Path

from mock_sts.cli.output import print_json
from mock_sts.cli.parser import Commands
from mock_sts.cli.settings import issuer_of, settings_of
from mock_sts.settings.settings import Settings
from mock_sts.store.opening import is_missing

#: Environment variables that name further authorities to programs.
_CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")


def add_doctor(commands: Commands) -> None:
    """Add ``doctor``."""
    parser = commands.add_parser("doctor", help="how the server is seen from here, and which clients will refuse it")
    parser.add_argument("--from", dest="authority", metavar="URL", help="the address that a client is configured with")
    parser.add_argument("--json", action="store_true", help="for scripts")
    parser.set_defaults(run=_doctor)


def _doctor(parsed: argparse.Namespace) -> int:
    from mock_sts.client.doctor import Surroundings, Trust, as_text, examine  # noqa: PLC0415

    settings, _ = settings_of()
    trusts = (Trust("the system's store", None), *(Trust(name, file) for name, file in _authorities(settings)))
    around = Surroundings(trusts, _registered(settings), explain=settings.explain)
    report = examine(parsed.authority or issuer_of(settings, None, "--from"), around)
    if parsed.json:
        print_json(report.document())
    else:
        print(as_text(report))
    return report.status


def _authorities(settings: Settings) -> list[tuple[str, Path]]:
    """What programs here may trust beside the system's store, with a name for a person: the files of environment
    variables, and the local CA.
    """
    files = [(name, Path(value)) for name in _CA_VARIABLES if (value := os.environ.get(name))]
    files.append(("", settings.certificates.ca))
    named = {file: f"{file} ({name})" if name else str(file) for name, file in files if os.access(file, os.R_OK)}
    return [(name, file) for file, name in named.items() if file.is_file()]


def _registered(settings: Settings) -> dict[str, tuple[str, ...]]:
    """Client id to redirect URIs; empty without a registry on this machine."""
    if is_missing(settings.database_url):
        return {}
    from mock_sts.storage import open_store  # noqa: PLC0415
    from mock_sts.store.catalog import load_catalog  # noqa: PLC0415  only where there is one
    from mock_sts.store.database import StoreError  # noqa: PLC0415

    try:
        store = open_store(settings)
    except StoreError:
        return {}
    try:
        clients = load_catalog(store).clients()
    except StoreError:
        return {}
    finally:
        store.close()
    return {client.client_id: client.redirect_uris for client in clients}
