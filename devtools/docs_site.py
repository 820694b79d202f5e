"""``python -P devtools/docs_site.py``: the site of the documentation, built by Zensical from ``docs/`` and its links.

The navigation is that of ``docs/README.md``: each of its headings is a section, each page that a table there names an
entry. So a new page needs a row in that table and nothing else; one without is a SiteError.

The site is for the emulator itself, which serves it at ``/mock/docs/`` by a content policy that lets nothing run or
load but files of this server. So scripts that Zensical writes into pages become files, and what names an address of a
site on the web is left out.

A program by itself, without the other modules of this package: where the image is built, Zensical is all that there is.
"""

import argparse
import hashlib
import json
import os
import posixpath
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: Where the emulator finds the site, and the package takes it from.
SITE = ROOT / "mock_sts" / "docs_site"
INDEX = "README.md"
_CONFIGURATION = Path(__file__).with_name("zensical.toml")
_STYLES = Path(__file__).with_name("docs_site.css")

#: Pages that lie outside ``docs/``, by their names in the site.
_OUTSIDE = {"start.md": "README.md", "changelog.md": "CHANGELOG.md"}

_LINK = re.compile(r"(!?\[(?:[^\[\]]|\[[^\]]*\])*\])\(([^)\s]+)\)")
_FENCE = re.compile(r"(?ms)^( *)(`{3,}|~{3,}).*?^ *\2[ \t]*$")
#: What our tests read behind a block's language, and Zensical does not know.
_NEEDS = re.compile(r"\A( *(?:`{3,}|~{3,})\w+) (?:browser|node|not-run)$", re.M)
#: The script of Zensical that gives its search a style element, which the policy forbids; a sheet by script it allows.
_STYLE_BY_SCRIPT = re.compile(r"(\w+)\.appendChild\(\w+\(\"style\",\{\},(\w+)\.toString\(\)\)\)")
_SHEET = r"(s=>{s.replaceSync(\2.toString());\1.adoptedStyleSheets=[s]})(new CSSStyleSheet)"
_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.S)
#: Links of the head to the site's address on the web, which it has not.
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_ADDRESSES = re.compile(r'<link rel="(?:canonical|prev|next)"[^>]*>\s*')


class SiteError(Exception):
    """What keeps the site from being built; the text says where to mend it."""


def pages(root: Path = ROOT) -> dict[str, Path]:
    """Name of each page in the site to the file that it is made from."""
    found = {page.name: page for page in sorted((root / "docs").glob("*.md"))}
    found |= {name: root / source for name, source in _OUTSIDE.items()}
    recipes = sorted((root / "examples").glob("*/README.md"))
    return found | {f"example-{recipe.parent.name}.md": recipe for recipe in recipes}


def navigation(root: Path = ROOT) -> list[tuple[str, list[str]]]:
    """The sections of ``docs/README.md`` with the names of their pages. Raises SiteError for pages that it
    does not name.
    """
    known = pages(root)
    names = {page.resolve(): name for name, page in known.items()}
    sections: list[tuple[str, list[str]]] = [("", [INDEX])]
    index = root / "docs" / INDEX
    listed = {INDEX}
    for line in index.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            sections.append((line[3:].strip(), []))
        elif line.startswith("|"):
            for _, target in _LINK.findall(line):
                name = names.get(_with_readme(index.parent / target.partition("#")[0]))
                if name is not None and name not in listed:
                    sections[-1][1].append(name)
                    listed.add(name)
    missing = sorted(str(page.relative_to(root)) for name, page in known.items() if name not in listed)
    if missing:
        raise SiteError(f"no table of docs/README.md names {', '.join(missing)}: the site cannot lead there")
    return [section for section in sections if section[1]]


def build(site: Path = SITE, root: Path = ROOT) -> None:
    """Build the site in the folder ``site``, in place of what is there. Raises SiteError where a link leads
    nowhere, or where Zensical is missing.
    """
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        shutil.copytree(root / "docs", work / "pages")
        for name, source in pages(root).items():
            (work / "pages" / name).write_text(_page(source, root, work / "pages"), encoding="utf-8")
        shutil.copyfile(_STYLES, work / "pages" / _STYLES.name)
        (work / "zensical.toml").write_text(
            _CONFIGURATION.read_text(encoding="utf-8").replace("[project]\n", f"[project]\nnav = {_nav(root)}\n", 1),
            encoding="utf-8",
        )
        done = subprocess.run(
            [sys.executable, "-m", "zensical", "build", "--strict"],
            cwd=work,
            env={**os.environ, "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            said = _COLOUR.sub("", done.stdout + done.stderr.partition("Traceback")[0])
            raise SiteError(f"Zensical did not build the site:\n{said}")
        _settle(work / "site")
        shutil.rmtree(site, ignore_errors=True)
        shutil.copytree(work / "site", site)


def main(arguments: list[str] | None = None) -> int:
    """Build the site, and say where; the exit status."""
    parser = argparse.ArgumentParser(prog="devtools/docs_site.py", description="Build the documentation's site.")
    parser.add_argument("--folder", type=Path, default=SITE, help="default: mock_sts/docs_site, which the server reads")
    folder: Path = parser.parse_args(arguments).folder
    try:
        build(folder)
    except SiteError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"built: {folder}, {sum(1 for _ in folder.glob('*.html'))} pages; the server has them at /mock/docs/")
    return 0


def _with_readme(path: Path) -> Path:
    """What is read of ``path``: of a folder its README."""
    return (path / "README.md" if (path / "README.md").is_file() else path).resolve()


def _nav(root: Path) -> str:
    """The navigation in TOML, whose arrays of strings and inline tables of one are JSON's but for the colon."""
    written = []
    for title, names in navigation(root):
        entries = [f"{{ {json.dumps(_title(pages(root)[name]))} = {json.dumps(name)} }}" for name in names]
        written += entries if not title else [f"{{ {json.dumps(title)} = [{', '.join(entries)}] }}"]
    return f"[{', '.join(written)}]"


def _title(page: Path) -> str:
    """The heading of a page; of ``examples/split/README.md`` too, whose own says what it is."""
    heading = re.search(r"(?m)^# (.+)$", page.read_text(encoding="utf-8"))
    if heading is None:
        raise SiteError(f"{page.name} has no heading")
    return heading[1].replace("`", "")


def _page(source: Path, root: Path, folder: Path) -> str:
    """The text of a page of the site. What it links to outside of the site is copied into ``folder``."""
    names = {page.resolve(): name for name, page in pages(root).items()}
    docs = root / "docs"

    def lead(match: re.Match[str]) -> str:
        words, target = match.groups()
        path, mark, anchor = target.partition("#")
        if "://" in target or target.startswith("mailto:") or not path:
            return match[0]
        linked = _with_readme(source.parent / path)
        if linked in names:
            return f"{words}({names[linked]}{mark}{anchor})"
        if linked.is_dir():  # there is none to list its files here
            return words.removeprefix("[").removesuffix("]")
        if not linked.is_file():
            raise SiteError(f"{source.relative_to(root)}: {target} leads nowhere")
        if linked.is_relative_to(docs):
            return f"{words}({linked.relative_to(docs).as_posix()})"
        # Text to read, whatever it is: no tool takes it for a program of the package.
        parts = (part.lstrip(".") for part in linked.relative_to(root).parts)  # Zensical leaves out what is hidden
        copy = f"{posixpath.join('files', *parts)}.txt"
        (folder / copy).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(linked, folder / copy)
        return f"{words}({copy})"

    return "".join(
        _NEEDS.sub(r"\1", part) if is_fenced else _LINK.sub(lead, part)
        for part, is_fenced in _parts(source.read_text(encoding="utf-8"))
    )


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    """``text`` in pieces, and whether each is a fenced block."""
    end = 0
    for block in _FENCE.finditer(text):
        yield text[end : block.start()], False
        yield block[0], True
        end = block.end()
    yield text[end:], False


def _settle(site: Path) -> None:
    """Make the site one that a server with a strict content policy can give at any path."""
    for needless in ("404.html", "sitemap.xml", "sitemap.xml.gz"):  # both name an address on the web
        (site / needless).unlink(missing_ok=True)
    (bundle,) = (site / "assets" / "javascripts").glob("bundle.*.js")
    changed, times = _STYLE_BY_SCRIPT.subn(_SHEET, bundle.read_text(encoding="utf-8"))
    if times != 1:
        raise SiteError(f"Zensical's search gets its style otherwise than before: mend {Path(__file__).name}")
    bundle.write_text(changed, encoding="utf-8")
    scripts = site / "assets" / "javascripts" / "inline"
    scripts.mkdir(parents=True)

    def take_out(match: re.Match[str]) -> str:
        script = match[1].encode()
        name = f"{hashlib.sha256(script).hexdigest()[:8]}.js"
        (scripts / name).write_bytes(script)
        return f'<script src="./assets/javascripts/inline/{name}"></script>'

    for page in site.glob("*.html"):
        text = _ADDRESSES.sub("", page.read_text(encoding="utf-8"))
        # Wide blocks are scrolled, by the keyboard too.
        text = text.replace("<pre><span></span><code>", '<pre tabindex="0"><span></span><code>')
        page.write_text(_INLINE_SCRIPT.sub(take_out, text), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
