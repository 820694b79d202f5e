"""Which paths are HelseID's, and in which letters: ASP.NET, on which HelseID stands, finds a path in any letters; ours
are found as they are written.
"""

import re
from collections.abc import Iterable

from mock_sts.protocol.near_names import near_names
from mock_sts.services.environment import AT_ROOT, ENVIRONMENTS, GUID, NAME

#: Where containers and balancers ask how the process is.
HEALTH = "/health/"

#: Below these everything is of our own making.
OWN = ("/mock/", HEALTH)

#: The path of an environment. Its letters are as little the caller's concern as those of a public URL's path.
_ENVIRONMENT = re.compile(rf"(?:{ENVIRONMENTS}({NAME})|/({GUID}))(?=/|\Z)", re.IGNORECASE | re.ASCII)

#: How like a known path an unknown one must be to be taken for a slip, from 0 to 1, and how much of it is compared.
_LIKE, _LONGEST = 0.75, 200
#: And from which on what follows the folders that two paths share is.
_LIKE_AT_END = 0.5


def is_emulated(path: str) -> bool:
    """Whether ``path``, of a route, is one of HelseID's."""
    return not path.startswith(OWN)


class Paths:
    """The paths of the routes, as the framework writes them: ``/mock/as/<persona>``."""

    def __init__(self, rules: Iterable[str]) -> None:
        """``rules`` are all of them."""
        rules = list(rules)
        #: Those without a variable part.
        self.fixed = frozenset(rule for rule in rules if "<" not in rule)
        self._emulated = {rule.lower(): rule for rule in self.fixed if is_emulated(rule)}
        self._varied = [_Varied(rule) for rule in rules if "<" in rule]
        self._first = frozenset(_first(rule) for rule in rules)

    def written(self, path: str) -> str | None:
        """``path`` in the letters of its route; None where no route has it. What varies stays as it came."""
        if path in self.fixed:
            return path
        found = self._emulated.get(path.lower())
        if found is not None:
            return found
        return next((written for varied in self._varied if (written := varied.written(path)) is not None), None)

    def lies_below(self, path: str, prefix: str) -> bool:
        """Whether ``path``, which begins with ``prefix``, means the rest of it; one that is a route as it stands is
        taken as it stands.
        """
        if _first(path) not in self._first:
            return True
        return self.written(path) is None and self.written(environment_in(below(path, prefix))[1]) is not None

    def nearest(self, path: str) -> str:
        """The fixed path that ``path``, of no route, was probably meant to be; an empty string where none is near."""
        short = path[:_LONGEST].rstrip("/").lower()
        known = {rule.lower(): rule for rule in self.fixed if rule != "/"}
        ends = [rule for rule in known if short.endswith(rule)]
        near = [max(ends, key=len)] if ends else near_names(short, known, at_most=1, cutoff=_LIKE)
        near = [rule for rule in near if ends or _ends_alike(short, rule)]
        return known[near[0]] if near else ""

    def listed(self, path: str) -> str:
        """The fixed paths of the side on which ``path`` lies, HelseID's or ours, in a text."""
        emulated = is_emulated(path)
        return ", ".join(sorted(rule for rule in self.fixed if is_emulated(rule) is emulated))


def _ends_alike(path: str, rule: str) -> bool:
    """Whether what follows the folders that both paths share is alike: long shared folders make any two paths near."""
    shared = 0
    while path[: (cut := rule.find("/", shared) + 1)] == rule[:cut] and cut:
        shared = cut
    return bool(near_names(path[shared:], [rule[shared:]], cutoff=_LIKE_AT_END))


class _Varied:
    """The path of a route with variable parts."""

    def __init__(self, rule: str) -> None:
        pieces = re.split(r"(<[^>]*>)", rule)
        self._fixed = pieces[::2]
        parts = ["(.+)" if "path:" in part else "([^/]+)" for part in pieces[1::2]] + [""]
        text = "".join(f"{re.escape(fixed)}{part}" for fixed, part in zip(self._fixed, parts, strict=True))
        self._pattern = re.compile(text, re.IGNORECASE | re.DOTALL if is_emulated(rule) else re.DOTALL)

    def written(self, path: str) -> str | None:
        found = self._pattern.fullmatch(path)
        if found is None:
            return None
        return "".join(f"{fixed}{part}" for fixed, part in zip(self._fixed, (*found.groups(), ""), strict=True))


def below(path: str, prefix: str) -> str:
    """What of ``path`` comes after ``prefix``, with which it begins, in whatever letters."""
    return path[len(prefix) :] or "/"


def environment_in(path: str) -> tuple[str, str]:
    """The name of the environment that ``path`` begins with, an empty string for none, and what comes after it."""
    found = _ENVIRONMENT.match(path)
    if found is None:
        return "", path
    name = found[1].lower() if found[1] is not None else f"{AT_ROOT}{found[2].lower()}"
    return name, below(path, found[0])


def _first(path: str) -> str:
    return path.split("/", 2)[1].lower() if path.startswith("/") else ""
