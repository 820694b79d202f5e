"""The page of the architecture: rooms and imports read from the code, and two walks that are checked against it."""

import ast
import tomllib
from collections.abc import Iterable
from pathlib import Path

import grimp

from devtools.words import NOTE, DocumentationError, cell_of
from mock_sts.services.login.authorization import STEPS

_ROOT = Path(__file__).resolve().parents[1]

#: The folders of the package in the order in which a newcomer reads them, from HTTP down; what each is for is said by
#: its ``__init__.py``.
_ROOMS = ("cli", "testing", "server", "demo", "web", "client", "settings", "services", "store", "helseid", "protocol")

#: A step of a walk: the module, a name that it has, and what happens there.
Step = tuple[str, str, str]

_TOKEN_WALK: tuple[Step, ...] = (
    ("server.connections", "Connection", "reads the request from its socket, within limits of size and time"),
    ("server.bridge", "Bridge", "reads the body to its end, and gives the whole request to the application"),
    ("web.environment", "Environments", "finds out whom host and path mean: an environment and its addresses"),
    ("web.helseid.token", "token", "makes values of the request: form, proofs, authorization"),
    ("services.request_context", "RequestContext", "is the request on its way: its times, its findings, its one write"),
    ("services.tokens.token", "issue_token", "has the phases, numbered, in the order of the real endpoint"),
    ("services.back_channel.form", "read_form", "judges method, media type and parameters"),
    ("services.back_channel.client_authentication", "authenticate_client", "reads the assertion, finds client and key"),
    ("helseid.profile.client_assertion", "CHAPTER", "judges the assertion: the rules of HelseID, each written once"),
    ("services.back_channel.dpop", "check_proof", "reads the proof, asks for a nonce, has the proof judged"),
    ("services.tokens.grants.client_credentials", "authorize", "decides what this grant gives"),
    ("services.tokens.issuing", "prepare_tokens", "makes the claims"),
    ("services.request_context", "RequestContext", "writes once: assertion and proof are used up, the entry is kept"),
    ("services.keyring", "KeyRing", "signs, after the write and outside its lock"),
    ("web.writing", "json_response", "makes the answer"),
)

_LOGIN_WALK: tuple[Step, ...] = (
    ("web.helseid.pushed_authorization", "ROUTES", "takes the pushed request, authenticated as above"),
    ("services.login.pushed_authorization", "push_authorization_request", "reads it once, judges it, keeps it"),
    ("web.helseid.authorize", "ROUTES", "takes the browser that comes with the request_uri"),
    ("services.login.authorization", "STEPS", "is the walk at the authorize endpoint, step by step (below)"),
    ("services.login.authorization_request", "load_request", "loads the request as it was judged"),
    (
        "services.login.automation",
        "script_of",
        "knows who logs in without a page: test parameters, cookie, scripted login",
    ),
    ("web.helseid.login", "ROUTES", "shows the choice of identity provider, where there is no such order"),
    ("web.helseid.testidp", "ROUTES", "shows the form of the test identity provider, and takes its answer"),
    ("services.sessions", "MadeSession", "makes or finds the session of the browser, and with it single sign-on"),
    ("services.login.login_pages", "complete_login", "keeps the session, and sends the browser back to the walk"),
    ("services.login.answer", "answer", "keeps a code, and answers the client's redirect URI"),
    ("web.browser", "page", "writes the pages and the answers that go through the browser"),
    ("services.tokens.grants.authorization_code", "authorize", "gives tokens for the code, on the walk of a token"),
)


def module_imports() -> dict[str, set[str]]:
    """Each module of the package, and those that it imports, also where a function does."""
    graph = grimp.build_graph("mock_sts", exclude_type_checking_imports=True, cache_dir=None)
    return {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}


def architecture_page() -> str:
    """Rooms, their imports, the contracts, and two walks. Raises DocumentationError for a step that is not there."""
    imports = module_imports()
    lines = [
        NOTE,
        "# Architecture",
        "",
        "The package is a house of five floors: `web`, `services`, `store`, `helseid`, `protocol`. Imports go down",
        "only. A line of code stands on the lowest floor whose question it answers with yes:",
        "",
        "| floor | the question |",
        "| --- | --- |",
        "| `web` | does it speak HTTP or HTML? |",
        "| `services` | does it decide by clock, keys and store together? |",
        "| `store` | does it touch the database? |",
        "| `helseid` | is it true of HelseID or Norwegian health care only? |",
        "| `protocol` | is it true of every OAuth 2.0 and OpenID Connect server? |",
        "",
        "`helseid` and `protocol` know no clock, no network and no database: what they need is passed in. Beside the",
        "floors stand what joins them (`app`, `setup`, `server`, `settings`, `cli`) and what is a client of the server",
        "(`client`, `demo`).",
        "",
        "## The rooms",
        "",
        "What is inside each, from top to bottom, and which it imports.",
        "",
        "| room | what it is for | modules | imports |",
        "| --- | --- | --- | --- |",
    ]
    for room in _ROOMS:
        for name in _packages_of(room):
            modules = [module for module in imports if _room_of(module) == name]
            used = sorted({_room_of(one) for module in modules for one in imports[module]} - {name, ""})
            lines.append(
                f"| `{name}` | {cell_of(_sign_of(name))} | {len(modules)} | {', '.join(f'`{one}`' for one in used)} |"
            )
    lines += ["", "```mermaid", "flowchart TD"]
    lines += [f"    {above} --> {below}" for above, below in _edges(imports)]
    lines += [
        "```",
        "",
        "`app.py` makes the application of these rooms (`create_app`), `routes.py` the part of it that the framework",
        "answers, which is loaded late; `setup.py` prepares what it needs: tables, keys, the world, certificates.",
        "",
        "## The walk of a token request",
        "",
        *_walk(_TOKEN_WALK, imports),
        "",
        "A refusal leaves as an exception (`protocol/errors.py`): the RequestContext writes its entry on the way out,",
        "and `web/errors.py` makes the answer.",
        "",
        "## The walk of a login",
        "",
        *_walk(_LOGIN_WALK, imports),
        "",
        "The steps at the authorize endpoint, in HelseID's order. A browser that comes back from the login pages",
        "begins at the first one again. A step ends the walk or lets the next one go on.",
        "",
        "| step | what it says |",
        "| --- | --- |",
        *(f"| {step.name} | {cell_of(step.line)} |" for step in STEPS),
        "",
        "## What is checked",
        "",
        "`make check` holds these contracts, and a test finds every circle of modules:",
        "",
        *(f"- {name}" for name in _contracts()),
    ]
    return "\n".join(lines) + "\n"


def _walk(steps: Iterable[Step], imports: Iterable[str]) -> list[str]:
    lines = []
    for number, (module, name, what) in enumerate(steps, start=1):
        if f"mock_sts.{module}" not in imports or name not in _names_in(module):
            raise DocumentationError(
                f"devtools/architecture.py names {module}.{name}, which is not there; mend the walk"
            )
        lines.append(f"{number}. `{module}` (`{name}`) {what}.")
    return lines


def _names_in(module: str) -> set[str]:
    tree = ast.parse(_file_of(module).read_text(encoding="utf-8"))
    found = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return found


def _file_of(module: str) -> Path:
    path = _ROOT.joinpath("mock_sts", *module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _sign_of(room: str) -> str:
    """The first paragraph of a room's docstring."""
    text = ast.get_docstring(ast.parse(_file_of(room).read_text(encoding="utf-8")))
    if not text:
        raise DocumentationError(f"mock_sts/{room}/__init__.py does not say what the room is for")
    return text.partition("\n\n")[0].replace("``", "`")


def _packages_of(room: str) -> list[str]:
    base = _ROOT / "mock_sts"
    found = [path.parent.relative_to(base) for path in (base / room).rglob("__init__.py")]
    return sorted(path.as_posix().replace("/", ".") for path in found)


def _room_of(module: str) -> str:
    """The package that ``module`` lies in, without that of the whole."""
    name = module.removeprefix("mock_sts").removeprefix(".")
    return name if name and _file_of(name).name == "__init__.py" else name.rpartition(".")[0]


def _edges(imports: dict[str, set[str]]) -> list[tuple[str, str]]:
    """Which folder of the package imports which."""
    found = {
        (room, other)
        for module, used in imports.items()
        for one in used
        if (room := _room_of(module).partition(".")[0]) and (other := _room_of(one).partition(".")[0]) and room != other
    }
    return sorted(found, key=lambda edge: (_ROOMS.index(edge[0]), _ROOMS.index(edge[1])))


def _contracts() -> list[str]:
    tool = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    return [contract["name"] for contract in tool["importlinter"]["contracts"]]
