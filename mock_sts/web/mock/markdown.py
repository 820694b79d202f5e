"""Markdown as simple HTML: enough to read the documentation where its site was not built.

Everything is escaped, so that a page can show text and nothing else. What this does not know stays as it was written.
"""

import re
from collections.abc import Callable, Iterator

from markupsafe import Markup, escape

#: A span of code, a link or picture, bold and slanted text; the first that begins wins.
_SPANS = re.compile(
    r"(?P<ticks>`+)(?P<code>.+?)(?P=ticks)(?!`)"
    r"|(?P<picture>!)?\[(?P<words>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<target>[^)\s]+)\)"
    r"|\*\*(?P<bold>.+?)\*\*"
    r"|(?<!\w)\*(?P<slanted>[^*\s][^*]*?)\*(?!\w)"
    r'|<a id="(?P<anchor>[\w.:-]+)"></a>',
    re.S,
)
_FENCE = re.compile(r" *(`{3,}|~{3,})")
_HEADING = re.compile(r"(#{1,6}) +(.+)")
_ITEM = re.compile(r" *(?:[-*]|(\d+)\.) +(.*)")
_BAR = re.compile(r"(?<!\\)\|")

#: From the target of a link in the text to that in the page; an empty string for none.
Lead = Callable[[str], str]


def html(text: str, lead: Lead) -> Markup:
    """``text``, Markdown, as HTML; ``lead`` tells where its links go."""
    lines = re.sub(r"(?s)<!--.*?-->", "", text).splitlines()
    return Markup("\n").join(_blocks(lines, lead))


def anchor_of(heading: str) -> str:
    """The anchor of a heading, as GitHub names it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def _blocks(lines: list[str], lead: Lead) -> Iterator[Markup]:
    at = 0
    while at < len(lines):
        line = lines[at]
        if fence := _FENCE.match(line):
            end = next((n for n in range(at + 1, len(lines)) if lines[n].strip() == fence[1]), len(lines))
            yield Markup('<pre tabindex="0"><code>{}\n</code></pre>').format("\n".join(lines[at + 1 : end]))
            at = end + 1
        elif heading := _HEADING.match(line):
            level, words = len(heading[1]), _spans(heading[2], lead)
            yield Markup('<h{0} id="{1}">{2}</h{0}>').format(level, anchor_of(heading[2]), words)
            at += 1
        elif line.startswith("|"):
            end = _end(lines, at, lambda each: each.startswith("|"))
            yield _table(lines[at:end], lead)
            at = end
        elif line.startswith(">"):
            end = _end(lines, at, lambda each: each.startswith(">"))
            inner = [each[1:].removeprefix(" ") for each in lines[at:end]]
            yield Markup("<blockquote>{}</blockquote>").format(Markup("\n").join(_blocks(inner, lead)))
            at = end
        elif _ITEM.match(line):
            end = _end(lines, at, lambda each: bool(_ITEM.match(each)) or each.startswith(" "))
            yield _list(lines[at:end], lead)
            at = end
        elif line.strip():
            end = _end(lines, at, _is_prose)
            yield Markup("<p>{}</p>").format(_spans("\n".join(lines[at:end]), lead))
            at = end
        else:
            at += 1


def _end(lines: list[str], start: int, belongs: Callable[[str], bool]) -> int:
    """The number of the first line after ``start`` that does not belong to what begins there."""
    return next((n for n in range(start + 1, len(lines)) if not belongs(lines[n])), len(lines))


def _is_prose(line: str) -> bool:
    begins_anew = _FENCE.match(line) or _HEADING.match(line) or _ITEM.match(line)
    return bool(line.strip()) and not begins_anew and not line.startswith(("|", ">"))


def _table(lines: list[str], lead: Lead) -> Markup:
    rows = []
    for number, line in enumerate(lines):
        if number == 1:  # the dashes below the heads
            continue
        tag = "td" if number else "th"
        cells = (cell.strip().replace("\\|", "|") for cell in _BAR.split(line.strip())[1:-1])
        rows.append(Markup("").join(Markup("<{0}>{1}</{0}>").format(tag, _spans(cell, lead)) for cell in cells))
    return Markup("<table>{}</table>").format(Markup("").join(Markup("<tr>{}</tr>").format(row) for row in rows))


def _list(lines: list[str], lead: Lead) -> Markup:
    items: list[str] = []
    for line in lines:
        item = _ITEM.match(line)
        if item is not None:
            items.append(item[2])
        else:
            items[-1] += f"\n{line.strip()}"
    first = _ITEM.match(lines[0])
    tag = "ol" if first is not None and first[1] else "ul"
    written = (Markup("<li>{}</li>").format(_spans(item, lead)) for item in items)
    return Markup("<{0}>{1}</{0}>").format(tag, Markup("").join(written))


def _spans(text: str, lead: Lead) -> Markup:
    written, end = Markup(""), 0
    for span in _SPANS.finditer(text):
        written += escape(text[end : span.start()]) + _span(span, lead)
        end = span.end()
    return written + escape(text[end:])


def _span(span: re.Match[str], lead: Lead) -> Markup:
    if span["code"] is not None:
        return Markup("<code>{}</code>").format(span["code"].strip())
    if span["picture"]:
        return Markup("<em>({})</em>").format(span["words"])
    if span["words"] is not None:
        words, target = _spans(span["words"], lead), lead(span["target"])
        return Markup('<a href="{}">{}</a>').format(target, words) if target else words
    if span["anchor"]:
        return Markup('<span id="{}"></span>').format(span["anchor"])
    tag, inner = ("strong", span["bold"]) if span["bold"] is not None else ("em", span["slanted"])
    return Markup("<{0}>{1}</{0}>").format(tag, _spans(inner, lead))
