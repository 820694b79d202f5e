"""Dockerfile, compose.yaml and the scripts that try them agree with the rest of the house."""

import json
import os
import re
import shutil
import subprocess
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

import mock_sts
from examples.compose import app
from mock_sts.client.libraries import GO_OIDC, LIBRARY_RULES, Sight, refusals
from mock_sts.settings.settings import SETTINGS, from_environ
from mock_sts.setup import declared_environments
from tests.container import recipes
from tests.support.emulator import Worlds
from tests.support.keys import public_jwk

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
RECIPES = sorted((ROOT / "examples").glob("*/compose.yaml"))
SCRIPTS = sorted(file for file in (ROOT / ".ci").rglob("*") if file.is_file() and file.name != "Dockerfile")
#: The recipes' images that are made of ours, and the one that is another project's.
OURS, FOREIGN = ("mock-sts", "mock-sts-postgresql", "mock-sts-nginx"), "postgres:17"


def final_stage() -> str:
    return DOCKERFILE.rpartition("\nFROM ")[2]


def test_the_label_tells_the_version() -> None:
    assert re.findall(r"^ARG VERSION=(.*)$", DOCKERFILE, re.M) == [mock_sts.__version__]


def test_the_image_sets_settings_that_exist() -> None:
    named = set(re.findall(r"MOCK_STS_[A-Z_]+", DOCKERFILE))
    assert {"MOCK_STS_HOST", "MOCK_STS_FIXTURES", "MOCK_STS_DATABASE_URL"} <= named
    assert named <= {setting.variable for setting in SETTINGS}


def test_the_image_runs_as_nobody_in_particular_and_says_how_it_is() -> None:
    assert re.search(r"^USER 10001:10001$", final_stage(), re.M)
    assert re.search(r'^HEALTHCHECK .* CMD \["mock-sts", "health"\]$', final_stage(), re.M)
    assert "Not affiliated" in final_stage()


def test_extras_are_none_but_where_a_recipe_asks_for_one_that_exists() -> None:
    assert re.findall(r"^ARG EXTRAS=(.*)$", DOCKERFILE, re.M) == [""]
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    asked = {}
    for file in [ROOT / "compose.yaml", *RECIPES]:
        for service in recipe_services(file).values():
            build = service.get("build")
            if isinstance(build, dict) and "EXTRAS" in build.get("args", {}):
                asked[service["image"]] = build["args"]["EXTRAS"]
    assert asked == {"mock-sts-postgresql": "postgresql"}
    assert set(asked.values()) <= extras.keys()
    script = (ROOT / ".ci" / "container" / "run").read_text(encoding="utf-8")
    for image, extra in asked.items():
        assert f"image {image} --build-arg EXTRAS={extra} " in script


def test_the_servers_of_the_recipe_postgresql_differ_in_their_port_alone() -> None:
    services = recipe_services(ROOT / "examples" / "postgresql" / "compose.yaml")
    first, second = services["mock-sts"], services["mock-sts-2"]
    assert {name: first[name] for name in first if name not in ("build", "ports")} == second
    database = services["database"]["environment"]
    given = second["environment"]
    assert (
        given["MOCK_STS_DATABASE_URL"] == f"postgresql://{database['POSTGRES_USER']}@database/{database['POSTGRES_DB']}"
    )
    assert given["PGPASSWORD"] == database["POSTGRES_PASSWORD"]
    assert "ports" not in services["database"]


def test_the_dockerfile_needs_nothing_fetched_to_be_read() -> None:
    assert "syntax=" not in DOCKERFILE.splitlines()[0]
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.M)) == {"${PYTHON_IMAGE}"}
    assert DOCKERFILE.startswith("ARG PYTHON_IMAGE=python:3.13-slim\n")


def test_what_is_copied_reaches_the_engine() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    allowed = {line[1:] for line in lines if line.startswith("!")}
    copied = {
        word.removeprefix("./")
        for line in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.M)
        for word in line.split()
    }
    assert "*" in lines
    assert copied == allowed
    assert all((ROOT / name).exists() for name in copied)
    secret = [name for name in ("mock-sts-data", ".git", ".venv") if any(fnmatch(name, pattern) for pattern in allowed)]
    assert secret == []


def test_no_service_may_do_more_than_it_needs() -> None:
    assert {"mock-sts", "app"} <= SERVICES.keys()
    for name, service in SERVICES.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["init"] is True, name
        assert (service["image"], service["pull_policy"]) == ("mock-sts", "never"), name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name


def test_the_application_is_a_client_that_is_registered() -> None:
    given = SERVICES["app"]["environment"]
    configuration = app.Configuration.from_environ(given)
    optional = {"ISSUER", "BROWSER"}
    assert given.keys() == {name.upper() for name in app.Configuration.__dataclass_fields__} - optional
    assert configuration.authority == SERVICES["api"]["environment"]["AUTHORITY"] == "http://mock-sts:8080"
    client = yaml.safe_load((ROOT / "fixtures" / "clients" / f"{configuration.client_id}.yaml").read_text())
    assert configuration.redirect_uri in client["redirect_uris"]
    assert set(configuration.scope.split()) <= set(client["scope"])
    secret = yaml.safe_load((ROOT / "compose.yaml").read_text())["secrets"]["client-key"]["file"]
    key = json.loads((ROOT / secret).read_text())
    assert public_jwk(key) in client["jwks"]["keys"]


def test_the_application_calls_an_api_that_is_registered_as_a_person_who_is() -> None:
    apis = {api["audience"]: api for api in yaml.safe_load((ROOT / "fixtures" / "apis.yaml").read_text())}
    api = SERVICES["api"]["environment"]
    assert api["SCOPE"] in apis[api["AUDIENCE"]]["scopes"]
    given = SERVICES["app"]["environment"]
    assert api["SCOPE"] in given["SCOPE"].split()
    people = yaml.safe_load((ROOT / "fixtures" / "personas.yaml").read_text())
    assert given["TEST_PID"] in {person["pid"] for person in people}


def recipe_services(file: Path) -> dict[str, dict[str, Any]]:
    services: dict[str, dict[str, Any]] = yaml.safe_load(file.read_text(encoding="utf-8"))["services"]
    return services


def test_there_is_a_check_of_every_recipe_and_a_recipe_for_every_check() -> None:
    folders = [file.parent.name for file in RECIPES]
    assert folders == ["impersonation", "one-name", "postgresql", "reverse-proxy", "shared-network", "split"]
    assert sorted(one.__name__.replace("_", "-") for one in recipes.RECIPES) == folders
    page = (ROOT / "docs" / "containers.md").read_text(encoding="utf-8")
    for file in RECIPES:
        assert f"../examples/{file.parent.name}/" in page, file.parent.name
        assert (file.parent / "README.md").is_file(), file.parent.name


@pytest.mark.parametrize("file", RECIPES, ids=lambda file: file.parent.name)
def test_a_recipe_is_as_careful_as_the_compose_file(file: Path) -> None:
    for name, service in recipe_services(file).items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["image"] in (*OURS, FOREIGN), name
        # Another project's image has to be pulled, and never one of ours.
        assert service.get("pull_policy") == (None if service["image"] == FOREIGN else "never"), name
        assert service["image"] in ("mock-sts-nginx", FOREIGN) or service["init"] is True, name
        assert service["image"] != FOREIGN or service["user"] == "postgres", name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        build = service.get("build")
        context = build["context"] if isinstance(build, dict) else build
        assert context is None or (file.parent / context / "Dockerfile").is_file(), name


def settings_in(file: Path, service: dict[str, Any]) -> dict[str, str]:
    """The variables of a service, in which folders that are mounted from beside ``file`` are those here."""
    found = {name: str(value) for name, value in service.get("environment", {}).items()}
    mounted = [volume.split(":") for volume in service.get("volumes", ()) if volume.startswith("./")]
    here = {inside: str((file.parent / outside).resolve()) for outside, inside, _ in mounted}
    return {name: here.get(value, value) for name, value in found.items()}


@pytest.mark.parametrize("file", RECIPES, ids=lambda file: file.parent.name)
def test_the_folders_that_a_recipe_mounts_hold_fixtures_that_can_be_read(file: Path) -> None:
    service = recipe_services(file)["mock-sts"]
    settings = from_environ(settings_in(file, service))
    for one in declared_environments(settings, settings.fixtures):
        for host in one.hosts:
            assert host in service["networks"]["default"]["aliases"], f"{host} leads nowhere in this network"


@pytest.mark.parametrize("file", RECIPES, ids=lambda file: file.parent.name)
def test_a_recipe_has_settings_that_are_valid_and_an_application_that_fits(file: Path) -> None:
    services = recipe_services(file)
    settings = from_environ({"MOCK_STS_HOST": "0.0.0.0"} | settings_in(file, services["mock-sts"]))
    given, api = services["app"]["environment"], services["api"]["environment"]
    configuration = app.Configuration.from_environ(given)
    assert configuration.authority == api["AUTHORITY"]
    assert configuration.issuer == api.get("ISSUER", "")
    parts = urlsplit(configuration.authority)
    issuer = configuration.issuer or configuration.authority
    urls = settings.addresses.of(parts.scheme, parts.netloc, parts.path)
    assert urls.issuer.base == issuer
    assert (parts.scheme == "https") is ("SSL_CERT_FILE" in given)
    client = yaml.safe_load((ROOT / "fixtures" / "clients" / f"{configuration.client_id}.yaml").read_text())
    assert configuration.redirect_uri in client["redirect_uris"]
    secret = yaml.safe_load(file.read_text(encoding="utf-8"))["secrets"]["client-key"]["file"]
    assert (file.parent / secret).is_file()


#: Demands that a client can be told to drop, and by what.
OPTIONS = {
    "https-or-loopback": "`RequireHttps = false`",
    "https-authority": "`RequireHttpsMetadata = false`",
    "https-unless-allowed": "`allowInsecureRequests`",
    "https-everywhere": "`testing=True`",
}


@pytest.mark.parametrize("file", RECIPES, ids=lambda file: file.parent.name)
def test_the_table_of_libraries_says_what_their_rules_say(file: Path, worlds: Worlds) -> None:
    """What each library makes of the discovery document that the recipe's application reads."""
    services = recipe_services(file)
    environment = settings_in(file, services["mock-sts"])
    settings = from_environ({"MOCK_STS_HOST": "0.0.0.0", "MOCK_STS_TRUSTED_PROXIES": "1", **environment})
    authority = services["app"]["environment"]["AUTHORITY"]
    parts = urlsplit(authority)
    sts = worlds.make(
        public_url=settings.public_url,
        aliases=settings.aliases or (f"{parts.scheme}://{parts.netloc}",),
        url_mode=settings.url_mode,
        trusted_proxies=settings.trusted_proxies,
    )
    headers = {"Host": parts.netloc, "X-Forwarded-Proto": parts.scheme, "X-Forwarded-Prefix": parts.path}
    document = sts.get("/.well-known/openid-configuration", headers).json
    keys = sts.get("/.well-known/openid-configuration/jwks", headers).json["keys"]
    broken = refusals(Sight(authority, document, tuple(keys)))

    page = (ROOT / "docs" / "containers.md").read_text(encoding="utf-8")
    table = page.partition("demands of addresses:\n\n")[2].partition("\n\n")[0]
    header, _, *rows = table.splitlines()
    titles = [cell.strip() for cell in header.strip("|").split("|")]
    column = next(number for number, title in enumerate(titles) if file.parent.name in title.split(", "))
    seen = {}
    for row in rows:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert len(cells) == len(titles), row
        faults = [rule.id for rule, _ in broken if cells[0] in rule.libraries]
        seen[cells[0]] = cells[column]
        if not faults:
            assert cells[column] == "yes", (cells, faults)
        elif set(faults) <= OPTIONS.keys():
            assert cells[column] == f"with {OPTIONS[faults[0]]}", (cells, faults)
        else:
            assert cells[column].startswith("no: "), (cells, faults)
    assert {library for rule in LIBRARY_RULES for library in rule.libraries if "issuer" in rule.id} - {
        GO_OIDC
    } <= seen.keys()
    if file.parent.name in ("one-name", "impersonation"):
        assert set(seen.values()) == {"yes"}


@pytest.mark.parametrize("file", RECIPES, ids=lambda file: file.parent.name)
def test_the_table_of_what_to_tell_an_application_fits_the_recipe(file: Path) -> None:
    page = (ROOT / "docs" / "containers.md").read_text(encoding="utf-8")
    rows = page.partition("What is set for an application of yours")[2].splitlines()
    row = next(line for line in rows if line.startswith(f"| {file.parent.name} |"))
    _, authority, dotnet, java, node = (cell.strip() for cell in row.strip("|").split("|"))
    given = recipe_services(file)["app"]["environment"]
    assert authority in (f"`{given['AUTHORITY']}`", "none: its constant")
    if given["AUTHORITY"].startswith("https:"):
        assert (dotnet, java, node) == ("`SSL_CERT_FILE`", "a trust store with `ca.pem`", "`NODE_EXTRA_CA_CERTS`")
    else:
        # With another issuer than the address that is asked, these refuse (see the table before).
        assert dotnet == OPTIONS["https-authority"]
        assert (java == "nothing") is (node == OPTIONS["https-unless-allowed"]) is ("ISSUER" not in given)


@pytest.mark.parametrize("file", [ROOT / "compose.yaml", *RECIPES], ids=lambda file: file.parent.name)
def test_health_is_asked_past_the_proxies_that_docker_hands_out(file: Path) -> None:
    for name, service in recipe_services(file).items():
        if name not in ("mock-sts", "mock-sts-2"):  # the image's own check
            command = service["healthcheck"]["test"]
            asks = command[:3] in (["CMD", "mock-sts", "health"], ["CMD", "bash", "-c"]) or command[1] == "pg_isready"
            assert asks and command[0] == "CMD", name
            assert "start_interval" in service["healthcheck"], name
    # That option needs an engine that is told of.
    for page in ("README.md", "docs/containers.md"):
        assert re.search(r"Docker Engine 25 \w+ Compose 2\.24", (ROOT / page).read_text(encoding="utf-8")), page


def test_nobody_publishes_what_goes_by_the_name_of_helseid() -> None:
    for file in RECIPES:
        service = recipe_services(file)["mock-sts"]
        if "nhn.no" in str(service.get("environment")):
            assert "ports" not in service
            break
    else:
        raise AssertionError("no recipe goes by the name of HelseID")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_scripts_can_be_run_and_name_no_machine(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    assert os.access(script, os.X_OK)
    assert text.startswith("#!/usr/bin/env bash\n")
    assert "set -euo pipefail" in text
    bash = shutil.which("bash")
    assert bash is not None
    subprocess.run([bash, "-n", str(script)], check=True)
    assert "://" not in text.replace("unix:///run/docker.sock", "")


def test_ci_calls_what_the_readme_tells_and_the_container_checks() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert lines[-2:] == ["make test-all", ".ci/container/run"]


def test_ci_installs_each_program_that_the_full_run_needs() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    (tools,) = re.findall(r"^TOOLS := (.+)$", makefile, re.MULTILINE)
    needed = {tuple(tool.split("=")) for tool in tools.split()}
    installed = re.findall(r"^need (\S+) (\S+)$", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE)
    assert {package for _, package in needed} <= {package for _, package in installed}
    assert needed >= {("node", "nodejs"), ("chromium", "chromium"), ("mvn", "maven"), ("curl", "curl")}


def test_the_full_run_begins_with_the_short_one_and_runs_the_rest_after_it() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^test-all: tools test ", makefile, re.MULTILINE)
    assert re.findall(r"\$\(BIN\)/pytest \$\(PARALLEL\) (.+)", makefile) == [
        "-m 'not ($(MORE))'",
        "-m '$(MORE)'",
        "-m 'not (sqlite or $(MORE))' tests/journeys",
    ]
