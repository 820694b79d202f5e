"""The site of the documentation: every page in its navigation, every link leads somewhere, nothing from elsewhere."""

import html
import re
import shutil
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from devtools.docs_site import SiteError, build, navigation, pages
from tests.house.snippets import ROOT, blocks_of


class Page(HTMLParser):
    """The tags of a page of the site, and its text."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.text += data


@cache
def page_of(file: Path) -> Page:
    return Page(file)


def contents(folder: Path) -> dict[Path, bytes]:
    return {file.relative_to(folder): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What the Dockerfile builds the site from, to spoil."""
    stage = re.search(r"(?ms) AS docs$(.*?)^FROM ", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    assert stage is not None
    for sources in re.findall(r"(?m)^COPY (.+) \S+$", stage[1]):
        for name in sources.split():
            if (ROOT / name).is_file():
                shutil.copy2(ROOT / name, tmp_path / name)
            else:
                shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("docs_site", "__pycache__"))
    return tmp_path


@pytest.mark.covers("docs.site")
def test_the_image_has_all_that_the_site_is_built_from(copy: Path) -> None:
    build(copy / "site", copy)
    assert (copy / "site" / "index.html").is_file()


@pytest.mark.covers("docs.site")
def test_every_page_is_in_the_navigation_once(docs_site: Path) -> None:
    listed = [name for _, names in navigation() for name in names]
    assert sorted(listed) == sorted(pages())
    nav = re.findall(r'<a href="\./([a-z0-9-]+)\.html" class="md-nav__link', (docs_site / "tls.html").read_text())
    assert {f"{name}.md".replace("index.md", "README.md") for name in nav} | {"tls.md"} == set(pages())


@pytest.mark.covers("docs.site")
def test_a_page_without_navigation_is_named(copy: Path) -> None:
    (copy / "docs" / "forgotten.md").write_text("# Forgotten\n")
    with pytest.raises(SiteError, match=r"docs/README\.md names docs/forgotten\.md"):
        build(copy / "site", copy)


@pytest.mark.covers("docs.site")
@pytest.mark.parametrize("link", ["[gone](gone.md)", "[gone](../gone.py)", "[gone](tls.md#no-such-heading)"])
def test_a_link_that_leads_nowhere_is_named(copy: Path, link: str) -> None:
    page = copy / "docs" / "tls.md"
    page.write_text(f"{page.read_text(encoding='utf-8')}\n{link}\n", encoding="utf-8")
    with pytest.raises(SiteError, match=r"tls\.md"):
        build(copy / "site", copy)


@pytest.mark.covers("docs.site")
def test_every_link_of_the_site_leads_somewhere_in_it(docs_site: Path) -> None:
    files = sorted(docs_site.glob("*.html"))
    assert len(files) == len(pages())
    for file in files:
        for tag, attributes in page_of(file).tags:
            target = attributes.get("href") or attributes.get("src") or ""
            if not target or re.match(r"[a-z]+:", target):
                assert tag == "a" or not target.startswith("http"), f"{file.name}: {tag} from elsewhere: {target}"
                continue
            if target == "../../":  # the emulator's first page
                continue
            path, _, anchor = target.partition("#")
            assert not path.startswith("/"), f"{file.name}: {target} works at the root only"
            linked = (file.parent / unquote(path)).resolve() if path not in ("", ".") else file
            linked = linked / "index.html" if linked.is_dir() else linked
            assert linked.is_file(), f"{file.name}: {target}: no such file"
            if anchor and linked.suffix == ".html":
                found = {one.get("id") for _, one in page_of(linked).tags}
                assert unquote(anchor) in found, f"{file.name}: {target}: no such anchor"


@pytest.mark.covers("docs.site")
def test_nothing_of_a_page_needs_more_than_its_content_policy(docs_site: Path) -> None:
    """Neither script nor style stands in a page, and no address of the machine or of a site on the web."""
    for file in docs_site.glob("*.html"):
        for tag, attributes in page_of(file).tags:
            assert tag != "style" and "style" not in attributes, file.name
            assert tag != "script" or "src" in attributes or attributes["type"] == "application/json", file.name
            assert not [name for name in attributes if name.startswith("on")], file.name
            assert attributes.get("rel") != "canonical", file.name
    written = "".join(file.read_text(encoding="utf-8") for file in docs_site.rglob("*.html"))
    assert str(ROOT) not in written
    assert str(docs_site.parent) not in written


@pytest.mark.covers("docs.site")
def test_every_block_of_a_page_is_in_the_site(docs_site: Path) -> None:
    """Markdown that Zensical reads otherwise than GitHub shows as text here."""
    for name, source in pages().items():
        page = page_of(docs_site / ("index.html" if name == "README.md" else f"{name.removesuffix('.md')}.html"))
        spaced = re.sub(r"\s", "", page.text)
        for block in blocks_of(source):
            assert re.sub(r"\s", "", block.text) in spaced, block.place
        assert "```" not in page.text and "| --- |" not in page.text and "](" not in page.text, name
        tables = len(re.findall(r"(?m)^\|[ |-]+\|$", source.read_text(encoding="utf-8")))
        assert len([tag for tag, _ in page.tags if tag == "table"]) == tables, name


@pytest.mark.covers("docs.site")
def test_the_site_is_the_same_each_time(docs_site: Path, tmp_path: Path) -> None:
    build(tmp_path / "site")
    first, again = contents(docs_site), contents(tmp_path / "site")
    assert first.keys() == again.keys()
    assert [name for name, content in first.items() if again[name] != content] == []
    assert html.unescape((docs_site / "index.html").read_text(encoding="utf-8")).count("<h1") == 1
