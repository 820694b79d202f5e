"""The commands about the local certificate authority: ``mock-sts ca``."""

import argparse
from pathlib import Path

from mock_sts.cli.parser import Commands
from mock_sts.cli.settings import CommandError, settings_of, warn
from mock_sts.settings.settings import Settings

#: What a PKCS#12 file is locked with by default: macOS and older Windows take none without a password.
_PASSWORD = "changeit"

_ISSUED = (
    "Writes three files named after the first NAME: NAME.pem (the certificate, then that of the CA), NAME-key.pem, and "
    "NAME.p12 (PKCS#12) with all of it. Who trusts the CA trusts the application too."
)


def add_ca(commands: Commands) -> None:
    """Add ``ca`` and its actions."""
    parser = commands.add_parser("ca", help="print the certificate of the local CA, for clients to trust; issue others")
    parser.add_argument("--path", action="store_true", help="print where it lies instead")
    parser.set_defaults(run=_ca)
    actions = parser.add_subparsers(metavar="ACTION")
    issue = actions.add_parser(
        "issue", help="make a certificate of the local CA for an application of your own", description=_ISSUED
    )
    issue.add_argument("names", nargs="+", metavar="NAME", help="a host name or an IP address, such as localhost")
    issue.add_argument("--folder", type=Path, default=Path(), help="where to; default: the folder where you are")
    issue.add_argument("--password", default=_PASSWORD, help=f"of the PKCS#12 file; default: {_PASSWORD}")
    issue.add_argument("--force", action="store_true", help="replace files that are there")
    issue.set_defaults(run=_issue)


def _settings_with_authority() -> Settings:
    """The settings, with the local CA made where there was none. Raises CommandError where there can be none."""
    from mock_sts.setup import make_authority  # noqa: PLC0415

    settings, _ = settings_of()
    if settings.tls_certificate is not None:
        raise CommandError(
            f"the server has a certificate of your own, {str(settings.tls_certificate)!r}: clients have to trust "
            "its issuer; there is no local CA"
        )
    warn(make_authority(settings))
    return settings


def _ca(parsed: argparse.Namespace) -> int:
    ca = _settings_with_authority().certificates.ca
    if parsed.path:
        print(ca)
        return 0
    try:
        pem = ca.read_text(encoding="ascii").strip()
    except (OSError, UnicodeError) as error:
        raise CommandError(
            f"{ca} cannot be read: {error}; give this user the right, or start the server anew"
        ) from None
    if not pem.startswith("-----BEGIN CERTIFICATE-----"):
        raise CommandError(f"{ca} holds no certificate; start the server anew, which makes what is missing")
    print(pem)
    return 0


def _issue(parsed: argparse.Namespace) -> int:
    from mock_sts.helseid.hosts import certificate_name_in  # noqa: PLC0415
    from mock_sts.setup import issue_certificate  # noqa: PLC0415
    from mock_sts.store.private_files import write_private  # noqa: PLC0415

    try:
        names = tuple(dict.fromkeys(certificate_name_in(name) for name in parsed.names))
    except ValueError as error:
        raise CommandError(str(error)) from None
    if not parsed.password:
        raise CommandError("--password is empty, but macOS and Windows open no PKCS#12 file without one; name one")
    stem = parsed.folder / names[0].replace(":", "-")
    chain, key, bundle = (Path(f"{stem}{end}") for end in (".pem", "-key.pem", ".p12"))
    there = [str(file) for file in (chain, key, bundle) if file.exists()]
    if there and not parsed.force:
        raise CommandError(f"{' and '.join(there)}: there already; --force replaces, --folder writes elsewhere")
    settings = _settings_with_authority()
    issued = issue_certificate(settings, names, parsed.password)
    warn([issued.warning] if issued.warning else [])
    try:
        parsed.folder.mkdir(parents=True, exist_ok=True)
        chain.write_bytes(issued.chain)
        write_private(key, issued.key)
        write_private(bundle, issued.pkcs12)
    except OSError as error:
        raise CommandError(f"{stem}: cannot be written: {error}; name another folder with --folder") from None
    print(f"written for {', '.join(names)}, good until {issued.ends}: {chain}, {key}, {bundle}")
    print(f"who trusts {settings.certificates.ca} trusts it")
    return 0
