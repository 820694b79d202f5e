"""Setting up: what must be there before an application can answer (tables, keys, the world, certificates), and loading
the world anew.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mock_sts.helseid.identifiers import is_pid
from mock_sts.helseid.registry.documents import DocumentError
from mock_sts.server import certificates
from mock_sts.services.clock import Clock, SystemClock
from mock_sts.services.control.environments import (
    Declared,
    EnvironmentFaultError,
    checked_hosts,
    checked_name,
    declare_environments,
)
from mock_sts.services.registry.people import People, UnknownPersonError
from mock_sts.services.registry.preparation import load_fixtures, prepare
from mock_sts.settings.own import read_own_settings
from mock_sts.settings.settings import SettingError, Settings
from mock_sts.storage import open_store
from mock_sts.store.catalog import Item
from mock_sts.store.database import Database, StoreError
from mock_sts.store.fixtures.environments import read_environments
from mock_sts.store.fixtures.files import world_folders
from mock_sts.store.fixtures.rows import Entry, hidden_entries, loaded_folders, read_world
from mock_sts.store.fixtures.token_service_keys import read_token_service_keys
from mock_sts.store.opening import declared_hosts, is_missing
from mock_sts.store.personas import Personas
from mock_sts.store.public_url import read_override, write_override
from mock_sts.store.scope import DEFAULT_ENVIRONMENT
from mock_sts.store.token_service_keys import replace_keys_of_files


def prepare_store(settings: Settings, clock: Clock | None = None) -> tuple[str, ...]:
    """Make tables, keys and the world; a sentence for each odd thing in own fixtures that were loaded.

    Raises StoreError or DocumentError with a sentence for a person.
    """
    store, clock = open_store(settings), clock or SystemClock()
    try:
        declared = declared_environments(settings, settings.fixtures)
        fresh_keys = settings.signing_keys == "fresh"
        warnings = prepare(store, settings.fixtures, fresh_keys=fresh_keys, clock=clock).warnings
        _declare(store, declared, clock)
        replace_keys_of_files(store, read_token_service_keys(world_folders(settings.fixtures)))
        return warnings
    finally:
        store.close()


def declared_environments(settings: Settings, own: Sequence[Path]) -> list[Declared]:
    """The environments that the fixture files of the shipped world and of the folders ``own`` ask for, judged.

    Raises DocumentError.
    """
    made = []
    for one in read_environments(world_folders(own)):
        try:
            if one.name == DEFAULT_ENVIRONMENT:
                raise ValueError("the default environment has the settings of the server; set them there")
            given = read_own_settings(one.settings, one.preset)
            made.append(Declared(checked_name(one.name), given, checked_hosts(one.hosts, settings.addresses)))
        except ValueError as error:
            raise DocumentError(f"{one.where}: {error}") from None
    hosts = [host for one in made for host in one.hosts]
    if twice := next((host for host in hosts if hosts.count(host) > 1), None):
        raise DocumentError(f"environments.yaml: the host {twice!r} is that of two environments; it can be of one")
    return made


def _declare(store: Database, declared: Sequence[Declared], clock: Clock) -> None:
    try:
        declare_environments(store, declared, clock.times().wall)
    except EnvironmentFaultError as error:
        raise DocumentError(f"environments.yaml: {error}") from None


def prepare_to_serve(settings: Settings) -> tuple[str, ...]:
    """As prepare_store, for a server with these settings. Raises SettingError for one that does not fit the world."""
    warnings = prepare_store(settings)
    name = settings.required_persona
    if name is not None:
        store = open_store(settings)
        people = People(Personas(store, DEFAULT_ENVIRONMENT))
        try:
            people.find(name if is_pid(name) else people.pid_of(name), invent=settings.invent_people)
        except UnknownPersonError as error:
            raise SettingError(
                f"MOCK_STS_DEFAULT_PERSONA is {name!r}, but {error}; mock-sts persona list shows who there is"
            ) from None
        finally:
            store.close()
    return warnings


def prepare_certificates(settings: Settings) -> tuple[str, ...]:
    """Make the certificates of a local CA where they are missing or no longer fit, or look whether one's own can be
    served; a sentence for each thing that a person should know.

    After the store is prepared, for hosts of environments are among the names. For ``serve`` alone: a command with
    other settings must not take away the certificate of a server that runs. Raises SettingError for a certificate that
    cannot be served, StoreError when one cannot be kept.
    """
    if settings.tls_port is None:
        return ()
    now = SystemClock().times().wall
    if settings.tls_certificate is not None and settings.tls_key is not None:
        pair = f"MOCK_STS_TLS_CERTIFICATE is {str(settings.tls_certificate)!r}"
        try:
            warning = certificates.check_own(settings.tls_certificate, settings.tls_key, now)
        except (certificates.OwnCertificateError, OSError) as error:
            raise SettingError(f"{pair} and MOCK_STS_TLS_KEY {str(settings.tls_key)!r}, which {error}") from None
        return (f"{pair}, which {warning}",) if warning else ()
    names = settings.certificate_names_with(declared_hosts(settings.database_url))
    with _told_where(settings):
        warning = certificates.make_certificates(settings.certificates, names, now)
    return (warning,) if warning else ()


def make_authority(settings: Settings) -> tuple[str, ...]:
    """Make a local CA where there is none; a sentence for each thing that a person should know. Raises StoreError."""
    with _told_where(settings):
        warning = certificates.make_authority(settings.certificates, SystemClock().times().wall)
    return (warning,) if warning else ()


def issue_certificate(settings: Settings, names: Sequence[str], password: str) -> certificates.Issued:
    """A certificate of the local CA for ``names``, with its key; ``password`` locks the PKCS#12 form.

    Raises StoreError.
    """
    with _told_where(settings):
        return certificates.issue(settings.certificates, names, password, SystemClock().times().wall)


@contextmanager
def _told_where(settings: Settings) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"the certificates for https cannot be kept in {str(settings.certificates.folder)!r}: {error}; let this "
            "user read and write the folder and its files, or set MOCK_STS_TLS_CERTIFICATE and MOCK_STS_TLS_KEY"
        ) from error


@dataclass(frozen=True, slots=True)
class Loaded:
    """What loading did: whether anything had changed, the own folders, the entries that rows of run time hide, and a
    sentence for each odd thing.
    """

    changed: bool
    own: tuple[Path, ...]
    hidden: tuple[Entry[Item], ...]
    warnings: tuple[str, ...]


def load_world(settings: Settings, *, replace_made: bool = False) -> Loaded:
    """Bring the registry up to date with the fixture files; with ``replace_made`` also what was made at run time.

    Without MOCK_STS_FIXTURES these are the folders that the running server was started with. Raises as prepare_store.
    """
    with prepared_store(settings) as store:
        own = settings.fixtures or tuple(loaded_folders(store)[1:])
        for folder in own:
            if not folder.is_dir():
                raise DocumentError(
                    f"{folder} is gone, from which the registry was loaded; bring it back, or name the folders of "
                    "today with MOCK_STS_FIXTURES"
                )
        declared = declared_environments(settings, own)
        loading = load_fixtures(store, own, replace_made=replace_made)
        _declare(store, declared, SystemClock())
        hidden = hidden_entries(store, read_world(world_folders(own)))
        return Loaded(loading.changed, own, tuple(hidden), loading.warnings)


def end_override(settings: Settings) -> str | None:
    """Let the settings of the server that starts decide its public URL again; the one that was set at run time before,
    if any, which is remembered. Raises StoreError.
    """
    store = open_store(settings)
    try:
        with store.writing() as transaction:
            url = read_override(transaction.execute).public_url
            if url is not None:
                write_override(transaction.execute, None)
        return url
    finally:
        store.close()


@contextmanager
def prepared_store(settings: Settings) -> Iterator[Database]:
    """The store that ``settings`` name, made and filled when there was none; closed at the end.

    Raises as prepare_store, and StoreError for a database of a newer version.
    """
    if is_missing(settings.database_url):
        prepare_store(settings)
    store = open_store(settings)
    try:
        store.make()  # brings an older one up to date, and refuses a newer one
        if not loaded_folders(store):  # a start that was refused leaves tables and no world
            declared = declared_environments(settings, settings.fixtures)
            prepare(store, settings.fixtures, fresh_keys=settings.signing_keys == "fresh", clock=SystemClock())
            _declare(store, declared, SystemClock())
        yield store
    finally:
        store.close()
