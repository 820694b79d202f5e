"""The documentation as the server gives it: the built site, and the text of its pages where there is none."""

import re
from pathlib import Path

import pytest

from mock_sts.web.mock import markdown
from mock_sts.web.mock.pages import docs
from tests.support.emulator import Emulator, Worlds
from tests.support.environments import neighbour

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(file.stem for file in (ROOT / "docs").glob("*.md") if file.stem != "README")


@pytest.fixture
def with_site(monkeypatch: pytest.MonkeyPatch, docs_site: Path) -> None:
    monkeypatch.setattr(docs, "SITE", docs_site)


@pytest.fixture
def without_site(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(docs, "SITE", tmp_path / "none")


@pytest.mark.covers("docs.served")
@pytest.mark.usefixtures("with_site")
@pytest.mark.parametrize("below", ["", "/env/team-a"])
def test_the_site_is_served_with_a_policy_of_its_own(sts: Emulator, below: str) -> None:
    neighbour(sts, "team-a")
    moved = sts.get(f"{below}/mock/docs")
    assert (moved.status, moved.headers["location"]) == (302, f"{below}/mock/docs/")
    page = sts.get(f"{below}/mock/docs/")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    policy = dict(part.split(" ", 1) for part in page.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert {policy[name] for name in ("script-src", "style-src", "connect-src", "worker-src")} == {"'self'"}
    assert "unsafe" not in page.headers["content-security-policy"]
    assert "mock-sts" in page.headers
    for target in re.findall(r'(?:src|href)="\./([^"#]+)"', page.content.decode()):
        answer = sts.get(f"{below}/mock/docs/{target}")
        assert answer.status == 200, target
        assert answer.headers["content-security-policy"] == page.headers["content-security-policy"]


@pytest.mark.covers("docs.served")
@pytest.mark.usefixtures("with_site")
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("search.json", "application/json"),
        ("images/demo.webp", "image/webp"),
        ("files/compose.yaml.txt", "text/plain; charset=utf-8"),
        ("schemas/client.schema.json", "application/json"),
    ],
)
def test_files_of_the_site_have_their_types_whatever_the_system(sts: Emulator, name: str, kind: str) -> None:
    answer = sts.get(f"/mock/docs/{name}")
    assert (answer.status, answer.headers["content-type"]) == (200, kind)
    known = sts.get(f"/mock/docs/{name}", {"If-None-Match": answer.headers["etag"]})
    assert (known.status, known.content) == (304, b"")


@pytest.mark.covers("docs.served")
@pytest.mark.usefixtures("with_site")
@pytest.mark.parametrize("name", ["nothing.html", "../app.py", "..%2fapp.py", "%2e%2e/app.py", "images", "/etc/passwd"])
def test_what_is_no_file_of_the_site_is_not_found(sts: Emulator, name: str) -> None:
    answer = sts.get(f"/mock/docs/{name}")
    assert answer.status == 404
    assert b"create_app" not in answer.content and b"root:" not in answer.content


@pytest.mark.covers("docs.served")
@pytest.mark.usefixtures("without_site")
@pytest.mark.parametrize("path", ["/mock/docs", "/mock/docs/", "/env/team-a/mock/docs", "/mock/docs/index.html"])
def test_without_a_site_the_text_is_there_with_the_command_that_builds_it(sts: Emulator, path: str) -> None:
    neighbour(sts, "team-a")
    page = sts.get(path)
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    text = page.content.decode()
    assert "<code>make docs-site</code>" in text
    assert re.search(r"(?m)^docs-site:", (ROOT / "Makefile").read_text(encoding="utf-8"))
    below = path.partition("/mock")[0]
    linked = re.findall(rf'href="{below}/mock/docs/([a-z0-9-]+)\.html"', text)
    assert set(PAGES) <= set(linked)
    for name in linked:
        assert sts.get(f"{below}/mock/docs/{name}.html").status == 200, name


@pytest.mark.covers("docs.served")
@pytest.mark.usefixtures("without_site")
@pytest.mark.parametrize("name", PAGES)
def test_the_text_of_a_page_is_whole(sts: Emulator, name: str) -> None:
    answer = sts.get(f"/mock/docs/{name}.html")
    assert answer.status == 200
    shown = re.sub(r"<[^>]*>", " ", answer.content.decode())
    for mark, letter in {"&lt;": "<", "&gt;": ">", "&#34;": '"', "&#39;": "'", "&amp;": "&"}.items():
        shown = shown.replace(mark, letter)
    source = re.sub(
        r"(?s)<!--.*?-->|<a id=[^>]*></a>|\]\([^)]*\)", "", (ROOT / "docs" / f"{name}.md").read_text("utf-8")
    )
    words = set(re.findall(r"\w{4,}", shown))
    missing = [word for word in re.findall(r"\w{4,}", source) if word not in words]
    fences = set(re.findall(r"(?m)^ *```(\S+)", source)) | {"not", "run", "browser"}
    assert [word for word in missing if word not in fences] == []


@pytest.mark.covers("docs.served")
@pytest.mark.usefixtures("without_site")
@pytest.mark.parametrize("name", ["nothing.html", "README.md", "../README.md", "schemas/client.schema.json"])
def test_without_a_site_other_names_are_not_found(sts: Emulator, name: str) -> None:
    assert sts.get(f"/mock/docs/{name}").status == 404


@pytest.mark.covers("docs.served")
@pytest.mark.usefixtures("without_site")
def test_an_installation_without_both_says_so(sts: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(docs, "TEXTS", tmp_path / "none")
    for path in ("/mock/docs", "/mock/docs/"):
        page = sts.get(path)
        assert page.status == 200
        assert "did not come with this installation" in page.content.decode()
    assert sts.get("/mock/docs/tls.html").status == 404


@pytest.mark.covers("docs.served")
@pytest.mark.usefixtures("with_site")
def test_links_keep_below_the_prefix_of_a_proxy(worlds: Worlds) -> None:
    sts = worlds.configure(public_url="https://example.test/helseid", aliases="http://localhost:8080")
    assert sts.get("/helseid/mock/docs").headers["location"] == "/helseid/mock/docs/"
    assert sts.get("/helseid/mock/docs/tls.html").status == 200


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a <b> & `<c>`", "<p>a &lt;b&gt; &amp; <code>&lt;c&gt;</code></p>"),
        ("# One `two`\n\nthree\nfour", '<h1 id="one-two">One <code>two</code></h1>\n<p>three\nfour</p>'),
        ("```html\n<x>\n\n# y\n```", '<pre tabindex="0"><code>&lt;x&gt;\n\n# y\n</code></pre>'),
        ("```\nno end", '<pre tabindex="0"><code>no end\n</code></pre>'),
        (
            "| a | b |\n| --- | --- |\n| `c\\|d` | **e** |",
            "<table><tr><th>a</th><th>b</th></tr><tr><td><code>c|d</code></td><td><strong>e</strong></td></tr></table>",
        ),
        ("- a\n  b\n- c", "<ul><li>a\nb</li><li>c</li></ul>"),
        ("1. a\n2. b", "<ol><li>a</li><li>b</li></ol>"),
        ("> *a*\n> b", "<blockquote><p><em>a</em>\nb</p></blockquote>"),
        ("[`a`](b.md) ![c](d.webp)", '<p><a href="to:b.md"><code>a</code></a> <em>(c)</em></p>'),
        ('[a](x"onclick="y)', '<p><a href="to:x&#34;onclick=&#34;y">a</a></p>'),
        ('<a id="here"></a>\n<script>x</script>', '<p><span id="here"></span>\n&lt;script&gt;x&lt;/script&gt;</p>'),
        ("<!-- not this -->\nthis", "<p>this</p>"),
    ],
)
def test_markdown_is_simple_and_escaped(text: str, written: str) -> None:
    assert str(markdown.html(text, lambda target: f"to:{target}")) == written
