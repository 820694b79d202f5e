"""Near names: what was probably meant by a word that is not known. Letter case never counts.

Whatever says "did you mean" asks here.
"""

from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches
from itertools import islice

#: How much of what was sent is compared with what is known, in characters and in values: comparing costs time.
_COMPARED, _COMPARED_VALUES = 200, 3


def near_names(word: str, known: Iterable[str], *, at_most: int = 3, cutoff: float = 0.6) -> list[str]:
    """The ``known`` names that come near ``word``, the nearest first, as they are written.

    ``cutoff`` is the likeness, from 0 to 1, from which on a name is near.
    """
    written: dict[str, list[str]] = {}
    for name in known:
        written.setdefault(name.casefold(), []).append(name)
    near = get_close_matches(word[:_COMPARED].casefold(), written, n=at_most, cutoff=cutoff)
    return [name for folded in near for name in written[folded]][:at_most]


def did_you_mean(word: str, known: Iterable[str], *, at_most: int = 3, cutoff: float = 0.6, quoted: bool = True) -> str:
    """The question ``did you mean 'a' or 'b'?`` about ``word``; an empty text when nothing comes near."""
    near = near_names(word, known, at_most=at_most, cutoff=cutoff)
    return question(map(repr, near) if quoted else near)


def question(meant: Iterable[str]) -> str:
    """The question about names that are found, each as it is to be shown; an empty text where there is none."""
    listed = " or ".join(meant)
    return f"did you mean {listed}?" if listed else ""


def nearest_first(known: Iterable[str], sent: Iterable[str]) -> list[str]:
    """``known`` values, those first that come near one that was ``sent``: what is left when the list is shortened."""
    compared = [one[:_COMPARED].casefold() for one in islice(sent, _COMPARED_VALUES)]

    def likeness(value: str) -> float:
        return max((SequenceMatcher(None, one, value.casefold()).ratio() for one in compared), default=0.0)

    return sorted(known, key=likeness, reverse=True)
