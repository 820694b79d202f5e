"""The commands that run a server and look after it: ``mock-sts serve``, ``prepare`` and ``health``."""

import argparse
import sys

from mock_sts.cli.parser import Commands
from mock_sts.cli.settings import refuse_free_port, settings_of, warn, warn_of_fixtures
from mock_sts.settings.settings import SETTINGS, SettingError, Settings


def add_serve(commands: Commands) -> None:
    """Add ``serve`` with an option for each setting, ``prepare`` and ``health``."""
    serve = commands.add_parser("serve", help="serve until stopped")
    for setting in SETTINGS:
        serve.add_argument(
            setting.option,
            dest=setting.name,
            metavar="VALUE",
            help=f"{setting.help} [{setting.variable}, default {setting.default or 'empty'}]".replace("%", "%%"),
        )
    serve.add_argument(
        "--json",
        action="store_true",
        dest="says_json",  # not that of other commands: a fault of the start is no line on standard output
        help="print one line of JSON when ready, alone on standard output: "
        "issuer, url, tls_url, control, ca, pid; the rest goes to standard error",
    )
    serve.add_argument("--exit-with-stdin", action="store_true", help="end when standard input closes")
    serve.add_argument(
        "--exit-with-parent", action="store_true", help="end when the process that has started this one ends"
    )
    serve.set_defaults(run=_serve)

    prepare = commands.add_parser("prepare", help="make database, keys and world, and stop")
    # What ``serve`` starts also makes certificates: by itself the command may have other settings than the server.
    prepare.add_argument("--for-serving", action="store_true", help=argparse.SUPPRESS)
    prepare.set_defaults(run=_prepare)

    health = commands.add_parser("health", help="exit with 0 if the server answers")
    health.add_argument("--url", help="default: the port of the settings on this machine")
    health.set_defaults(run=_health)


def _serve(parsed: argparse.Namespace) -> int:
    from mock_sts.server.holder import Holder  # noqa: PLC0415

    holder = Holder(stdin=parsed.exit_with_stdin, parent=parsed.exit_with_parent)
    from mock_sts.server.serve import serve  # noqa: PLC0415

    settings, _ = settings_of(parsed)
    return serve(settings, _prepare_to_serve, says_json=parsed.says_json, holder=holder)


def _prepare_to_serve(settings: Settings, at_start: bool) -> str:
    """Make what a server with these settings needs, and warn of what is odd; why that cannot be, or an empty string."""
    from mock_sts.helseid.registry.documents import DocumentError  # noqa: PLC0415
    from mock_sts.server.serve import print_override  # noqa: PLC0415
    from mock_sts.setup import end_override, prepare_certificates, prepare_to_serve  # noqa: PLC0415
    from mock_sts.store.database import StoreError  # noqa: PLC0415
    from mock_sts.store.location import file_of  # noqa: PLC0415

    try:
        is_own = settings.tls_certificate is not None
        if is_own:
            warn(prepare_certificates(settings))
        warn_of_fixtures(prepare_to_serve(settings))
        if not is_own:  # made for the hosts of environments too, which files may declare
            warn(prepare_certificates(settings))
        if at_start and file_of(settings.database_url) is None:  # the server itself does it for a file
            print_override(end_override(settings))
    except (SettingError, DocumentError, StoreError) as error:
        return str(error)
    return ""


def _prepare(parsed: argparse.Namespace) -> int:
    from mock_sts.setup import prepare_certificates, prepare_store, prepare_to_serve  # noqa: PLC0415

    settings = settings_of()[0]
    warn_of_fixtures(prepare_to_serve(settings) if parsed.for_serving else prepare_store(settings))
    if parsed.for_serving:
        warn(prepare_certificates(settings))
    return 0


def _health(parsed: argparse.Namespace) -> int:
    from mock_sts.client.http import NoAnswerError, ask, printable  # noqa: PLC0415

    settings = settings_of()[0]
    if not parsed.url:
        refuse_free_port(settings)
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104  shown on no page
    host = f"[{host}]" if ":" in host else host
    url = (parsed.url or f"http://{host}:{settings.port}").rstrip("/") + "/health/ready"
    try:
        # No proxy: the question is whether the server answers, not whether others do.
        answer = ask(url, seconds=2, proxies=False)
    except NoAnswerError as error:
        print(f"not healthy: {printable(str(error))}" + (f"; {error.remedy}" if error.remedy else ""), file=sys.stderr)
        return 1
    if answer.status != 200:
        print(f"not healthy: status {answer.status} from {url}", file=sys.stderr)
        return 1
    return 0
