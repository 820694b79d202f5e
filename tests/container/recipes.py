"""What the recipes in examples/ promise, checked and measured with the engine that `docker` talks to.

Run by .ci/container/run inside its sandbox, with the standard library only; the images `mock-sts`, `mock-sts-nginx`,
`mock-sts-postgresql` and `postgres:17` are there. Names of checks as arguments: only those. Ends with 1 when a promise
is broken.
"""

import base64
import html
import http.client
import http.cookiejar
import json
import os
import re
import socket
import ssl
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode, urljoin

from tests.container.checks import (
    BASE,
    CHECKOUT,
    STOP_LIMIT,
    Check,
    Compose,
    carry_out,
    docker,
    get,
    logs,
    measured,
    memory,
    stop,
    up,
    volumes,
)

PERSON, NAME = "06828399789", "KVART GREVLING"
#: Bytes of the image with nginx above its base that are allowed, and of what PostgreSQL takes above the usual image.
NGINX_LIMIT, EXTRA_LIMIT = 30_000_000, 25_000_000

#: The usual image, and that of the recipe postgresql.
IMAGES = ("mock-sts", "mock-sts-postgresql")

DISCOVERY = "/.well-known/openid-configuration"

RECIPES: list[Check] = []


def recipe(function: Check) -> Check:
    """Mark a function as the check of one recipe; the folder has its name."""
    RECIPES.append(function)
    return function


@contextmanager
def brought_up(name: str) -> Iterator[Compose]:
    """The recipe in examples/``name``, with nothing configured; all of it is gone after."""
    before = volumes()
    with up(file=CHECKOUT / "examples" / name / "compose.yaml") as compose:
        yield compose
        measured("memory of mock-sts", memory(compose.id_of("mock-sts")))
        took = stop(compose.id_of("mock-sts"))
        measured("SIGTERM to stopped", f"{took:.2f} s of {STOP_LIMIT:.0f} s")
        assert took <= STOP_LIMIT, "it stops too slowly"
    assert docker("ps", "--all", "--quiet") == "", "containers are left"
    assert volumes() <= before, f"volumes are left: {volumes() - before}"


def assert_login(outcome: Any, issuer: str) -> None:
    """The application has logged the person in at ``issuer``, and the API has let it in."""
    assert outcome["ok"], outcome
    assert outcome["id_token"]["iss"] == outcome["access_token"]["iss"] == issuer, outcome
    assert outcome["api_answer"]["person"] == PERSON, outcome


def assert_all_on(document: dict[str, Any], base: str, *names: str) -> None:
    """Every address in a discovery document, or those with ``names``, lies below ``base``."""
    urls = {
        name: value
        for name, value in document.items()
        if isinstance(value, str) and value.startswith("http") and (not names or name in names)
    }
    assert urls, document
    assert all(url == base or url.startswith(f"{base}/") for url in urls.values()), urls


def assert_two_sides(document: dict[str, Any], issuer: str, inside: str) -> None:
    """A discovery document read ``inside`` sends browsers to the ``issuer``, and clients where it was read."""
    assert document["issuer"] == issuer
    assert_all_on(document, issuer, "issuer", "authorization_endpoint", "end_session_endpoint")
    assert_all_on(document, inside, "token_endpoint", "jwks_uri", "userinfo_endpoint")


def discovery_seen_by_the_application(compose: Compose, authority: str) -> Any:
    """The discovery document of ``authority`` as the application's container gets it."""
    program = f"import urllib.request; print(urllib.request.urlopen('{authority}{DISCOVERY}').read().decode())"
    return json.loads(compose("exec", "--no-TTY", "app", "python", "-c", program).stdout)


def get_json(url: str) -> Any:
    """What ``url`` answers."""
    status, text = get(url)
    assert status == 200, (url, status, text)
    return json.loads(text)


def get_by_tls(name: str, port: int, ca: str) -> Any:
    """The discovery document, as a browser gets it whose machine finds ``name`` on itself and trusts ``ca``."""
    context = ssl.create_default_context(cadata=ca)
    with closing(http.client.HTTPSConnection(name, port, timeout=10)) as connection:
        plain = socket.create_connection(("127.0.0.1", port), 10)
        connection.sock = context.wrap_socket(plain, server_hostname=name)
        connection.request("GET", DISCOVERY, headers={"Host": f"{name}:{port}"})
        response = connection.getresponse()
        assert response.status == 200, response.status
        return json.loads(response.read())


class Browser:
    """Follows redirects, keeps cookies, and sends forms; scripts it has none. It trusts ``ca`` besides others."""

    def __init__(self, ca: str = "") -> None:
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()),
            urllib.request.HTTPSHandler(context=ssl.create_default_context(cadata=ca or None)),
            urllib.request.ProxyHandler({}),
        )
        self.url = self.page = ""

    def visit(self, url: str, form: dict[str, str] | None = None) -> str:
        """Open ``url``, or send ``form`` there; the page on which it ends."""
        body = urlencode(form).encode() if form is not None else None
        with self._opener.open(urljoin(self.url, url), body, timeout=10) as response:
            self.url, self.page = response.url, response.read().decode()
        return self.page

    def press(self, test_id: str) -> str:
        """Press the button of this page that has ``test_id``; where that leads."""
        tags = re.findall(r"<button[^>]*>", self.page)
        button = next(given for tag in tags if (given := _attributes(tag)).get("data-testid") == test_id)
        forms = re.findall(r"(?s)<form.*?</form>", self.page)
        # A button may stand elsewhere and name its form.
        wanted = f'id="{button["form"]}"' if "form" in button else f'"{test_id}"'
        form = next(found for found in forms if wanted in found)
        inputs = (_attributes(tag) for tag in re.findall(r"<input[^>]*>", form))
        fields = {given["name"]: given.get("value", "") for given in inputs if "name" in given}
        if "name" in button:
            fields[button["name"]] = button.get("value", "")
        action = re.search(r'<form[^>]* action="([^"]*)"', form)
        return self.visit(html.unescape(action[1]) if action else self.url, fields)


def _attributes(tag: str) -> dict[str, str]:
    return {name: html.unescape(value) for name, value in re.findall(r'([\w-]+)="([^"]*)"', tag)}


@contextmanager
def found_here(name: str) -> Iterator[None]:
    """What the line ``127.0.0.1 name`` of the hosts file does, for this process."""
    usual = socket.getaddrinfo

    def find(host: Any, *rest: Any, **more: Any) -> Any:
        return usual("127.0.0.1" if host == name else host, *rest, **more)

    with patch.object(socket, "getaddrinfo", find):
        yield


def log_in(start: str, ca: str = "") -> str:
    """Log the person in with a browser, beginning at the application; the application's page after it."""
    browser = Browser(ca)
    browser.visit(f"{start}/login", {})
    assert PERSON in browser.page, (browser.url, browser.page[:2000])
    return browser.press(f"log-in-as-{PERSON}")


@recipe
def one_name() -> None:
    issuer = "https://helseid.test:8443"
    with brought_up("one-name") as compose:
        assert_login(compose.once(), issuer)
        document = get_by_tls("helseid.test", 8443, compose.sts("ca"))
        assert document["issuer"] == issuer
        assert_all_on(document, issuer)
        try:
            get("https://localhost:8443/health/ready")
        except urllib.error.URLError as error:
            assert isinstance(error.reason, ssl.SSLCertVerificationError), error
        else:
            raise AssertionError("a certificate of an unknown CA was accepted")
        # With what the README asks of the machine, a browser on it logs in.
        with patch.dict(os.environ, {"WITH_BROWSER": "yes"}), found_here("helseid.test"):
            compose.up()
            assert "it worked" in log_in("http://localhost:8089", compose.sts("ca"))
            assert_login(get_json("http://localhost:8089/outcome.json"), issuer)


@recipe
def impersonation() -> None:
    issuer = "https://helseid-sts.test.nhn.no"
    with brought_up("impersonation") as compose:
        assert_login(compose.once(), issuer)
        said = logs(compose.id_of("mock-sts"))
        names = ("helseid-sts", "helseid-ttt", "api.selvbetjening", "selvbetjening")
        assert f"ANSWERS AS {', '.join(f'{name}.test.nhn.no' for name in names)} AND IS NOT HELSEID" in said, said
        assert docker("port", compose.id_of("mock-sts")) == "", "something is published"
        qa = "https://helseid-sts.qa.nhn.no"
        asks = f"import urllib.request; print(urllib.request.urlopen('{qa}{DISCOVERY}').read().decode())"
        told = compose("exec", "--no-TTY", "app", "python", "-c", asks).stdout
        assert json.loads(told)["issuer"] == qa, told
        service = "https://helseid-ttt.test.nhn.no/v2/create-test-token-with-key"
        headers = {"Content-Type": "application/json", "X-Auth-Key": "any"}
        sent = f'urllib.request.Request({service!r}, b\'{{"audience": "nhn:api"}}\', {headers!r})'
        orders = f"import urllib.request; print(urllib.request.urlopen({sent}).read().decode())"
        made = json.loads(compose("exec", "--no-TTY", "app", "python", "-c", orders).stdout)
        payload = made["successResponse"]["accessTokenJwt"].split(".")[1]
        assert json.loads(base64.urlsafe_b64decode(payload + "=="))["iss"] == issuer, made
        # Whoever does not trust the CA is not fooled.
        program = f"import urllib.request; urllib.request.urlopen('{issuer}{DISCOVERY}')"
        exec_ = ("exec", "--no-TTY", "--env", "SSL_CERT_FILE=", "app", "python", "-c", program)
        assert "CERTIFICATE_VERIFY_FAILED" in compose(*exec_, status=1).stderr
        production = ("--env", "MOCK_STS_PUBLIC_URL=https://helseid-sts.nhn.no")
        refused = compose("run", "--rm", "--no-TTY", *production, "mock-sts", status=2).stderr
        assert "belongs to the real HelseID" in refused, refused


@recipe
def split() -> None:
    issuer = "http://localhost:8080"
    with brought_up("split") as compose:
        page = log_in("http://localhost:8089")
        assert "it worked" in page, page
        outcome = get_json("http://localhost:8089/outcome.json")
        assert_login(outcome, issuer)
        assert NAME.split()[1] in json.dumps(outcome["id_token"]).upper(), outcome
        outside = get_json(issuer + DISCOVERY)
        assert_all_on(outside, issuer)
        inside = "http://mock-sts:8080"
        assert_two_sides(discovery_seen_by_the_application(compose, inside), issuer, inside)
        # Nobody is logged in by a page that no browser has asked for.
        assert "it worked" in Browser().visit("http://localhost:8089/callback?state=none&code=none")


@recipe
def shared_network() -> None:
    issuer = "http://localhost:8080"
    with brought_up("shared-network") as compose:
        assert_login(get_json("http://localhost:8081/outcome.json"), issuer)
        assert_login(compose.once(), issuer)
        assert_all_on(get_json(issuer + DISCOVERY), issuer)


@recipe
def reverse_proxy() -> None:
    inside, outside = "http://proxy:8080/helseid", "http://localhost:8080/helseid"
    sizes = {name: int(docker("image", "inspect", "--format", "{{.Size}}", name)) for name in (BASE, "mock-sts-nginx")}
    above = sizes["mock-sts-nginx"] - sizes[BASE]
    measured("size of nginx above the base", f"{above / 1e6:.1f} MB of {NGINX_LIMIT / 1e6:.0f} MB")
    assert above <= NGINX_LIMIT, "apt's caches are in the image"
    with brought_up("reverse-proxy") as compose:
        assert "it worked" in log_in("http://localhost:8089")
        assert_login(get_json("http://localhost:8089/outcome.json"), outside)
        document = get_json(outside + DISCOVERY)
        assert document["issuer"] == outside
        assert_all_on(document, outside)
        assert_two_sides(discovery_seen_by_the_application(compose, inside), outside, inside)
        # The pages for people work below the path too: stylesheet, forms, the way back.
        browser = Browser()
        page = browser.visit(outside + "/mock/doctor")
        for link in re.findall(r'(?:href|action|src)="(/[^"]*)"', page):
            assert link.startswith("/helseid/"), link
        # 16 kB of request line and 64 kB of headers get through nginx and reach the emulator.
        query, cookie = "a" * 16_000, "b" * 60_000
        request = urllib.request.Request(f"{outside}/health/ready?x={query}", headers={"Cookie": f"x={cookie}"})
        with urllib.request.urlopen(request, timeout=10) as response:
            assert response.status == 200


@recipe
def postgresql() -> None:
    issuer, outside, password = "http://mock-sts:8080", "http://localhost:8080", "only-for-tests"
    sizes = {name: int(docker("image", "inspect", "--format", "{{.Size}}", name)) for name in IMAGES}
    above = sizes["mock-sts-postgresql"] - sizes["mock-sts"]
    measured("size of what PostgreSQL takes", f"{above / 1e6:.1f} MB of {EXTRA_LIMIT / 1e6:.0f} MB")
    assert 0 < above <= EXTRA_LIMIT, "the extra is missing, or too big"
    with brought_up("postgresql") as compose:
        assert_login(compose.once(), issuer)
        assert get_json(outside + DISCOVERY)["issuer"] == outside

        def token(service: str) -> Any:
            made = compose("exec", "--no-TTY", service, "mock-sts", "token", "made-here", "--decode").stdout
            return json.loads(made)

        def journal() -> set[str]:
            entries = get_json(f"{outside}/mock/api/v1/journal?client_id=made-here&outcome=granted")["entries"]
            return {entry["id"] for entry in entries}

        # What one server registers, the other knows; what the other answers, the first has in its journal.
        compose.sts("client", "new", "--client-id", "made-here", "--scope", "mock:demo-api/read")
        assert token("mock-sts-2")["client_id"] == "made-here"
        before = journal()
        assert len(before) == 1, before

        # One goes, and the other serves alone.
        took = stop(compose.id_of("mock-sts-2"))
        measured("SIGTERM of the second to stopped", f"{took:.2f} s of {STOP_LIMIT:.0f} s")
        assert took <= STOP_LIMIT, "it stops too slowly"
        assert_login(compose.once_alone(), issuer)

        # New containers of both have what was there; so has a database that was away, and they find it by themselves.
        compose("rm", "--stop", "--force", "mock-sts", "mock-sts-2")
        begun = time.monotonic()
        compose.up()
        measured("both servers anew to healthy", f"{time.monotonic() - begun:.2f} s")
        assert journal() == before
        assert token("mock-sts")["client_id"] == token("mock-sts-2")["client_id"] == "made-here"
        took = stop(compose.id_of("database"))
        measured("SIGINT of PostgreSQL to stopped", f"{took:.2f} s")
        begun = time.monotonic()
        status, told = get(f"{outside}/health/ready")
        measured("status 503 without PostgreSQL", f"{time.monotonic() - begun:.2f} s")
        assert status == 503 and password not in told, (status, told)
        begun = time.monotonic()
        compose.up()
        measured("PostgreSQL back to all healthy", f"{time.monotonic() - begun:.2f} s")
        assert before < journal()
        assert_login(compose.once(), issuer)

        said = "".join(logs(compose.id_of(service)) for service in ("database", "mock-sts", "mock-sts-2", "app", "api"))
        assert "PostgreSQL" in said or "postgresql://" in said, said
        assert password not in said, "the password is told"
        measured("memory of PostgreSQL", memory(compose.id_of("database")))


def main() -> int:
    """Run the checks of the recipes."""
    begun = time.monotonic()
    status = carry_out(RECIPES)
    measured("all recipes", f"{time.monotonic() - begun:.0f} s")
    return status


if __name__ == "__main__":
    sys.exit(main())
