"""Dockerfile, compose.yaml and the scripts that try them agree with the rest of the house."""

import json
import os
import re
import shutil
import subprocess
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

import mock_sts
from examples.compose import app
from mock_sts.settings import SETTINGS
from tests.support.keys import public_jwk

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
SCRIPTS = sorted([ROOT / ".ci" / "run", *(ROOT / ".ci" / "container").iterdir()])


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
    assert given.keys() == {name.upper() for name in app.Configuration.__dataclass_fields__}
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
    assert lines[-3:] == ["make test", "make test-all", ".ci/container/run"]
