"""YAML that people write: what it holds, and how and where a value was written."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from mock_sts.helseid.documents import Key

#: Deepest nesting that is read; some thousand levels would end the process inside the C library.
_MAX_DEPTH = 100


@dataclass(frozen=True, slots=True)
class Written:
    """Where something begins in a text, and its own text where it is one without quotes on one line, else empty."""

    line: int
    text: str = ""


def read_yaml(text: str) -> Any:
    """The document in ``text``, dates as text. Raises ValueError with what is wrong and in which line."""
    import yaml  # noqa: PLC0415  a serving worker with an up-to-date store never reads YAML

    loader = _loader()
    try:
        depth = 0
        for event in yaml.parse(text, Loader=loader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _MAX_DEPTH:
                line = event.start_mark.line + 1 if event.start_mark is not None else 0
                raise ValueError(f"it is nested deeper than {_MAX_DEPTH} levels, line {line}")
        return yaml.load(text, Loader=loader)  # noqa: S506  a safe loader
    except yaml.YAMLError as error:
        raise ValueError(_fault(error, text)) from None


def find_written(text: str, path: Sequence[object]) -> Written | None:
    """Where that stands in ``text`` to which ``path`` leads: names of members, positions in lists, and at its end
    perhaps the ``Key`` itself. What is not found is told by what holds it; None for a text that cannot be read.
    """
    import yaml  # noqa: PLC0415

    try:
        loader = _loader()(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            for step in path:
                inner = _inner(loader, node, step)
                if inner is None:
                    return Written(node.start_mark.line + 1)
                node = inner
        finally:
            loader.dispose()
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    plain = isinstance(node, yaml.ScalarNode) and not node.style and "\n" not in node.value
    return Written(node.start_mark.line + 1, node.value if plain else "")


def _inner(loader: Any, node: Any, step: object) -> Any:
    """The node that ``step`` leads to from ``node``, or None."""
    import yaml  # noqa: PLC0415

    if isinstance(node, yaml.SequenceNode):
        return node.value[step] if isinstance(step, int) and step < len(node.value) else None
    if not isinstance(node, yaml.MappingNode):
        return None
    wanted = step.name if isinstance(step, Key) else step
    for key, value in _pairs(node):
        if isinstance(key, yaml.ScalarNode):
            found = loader.construct_object(key)
            if type(found) is type(wanted) and found == wanted:
                return key if isinstance(step, Key) else value
    return None


def _pairs(node: Any) -> Iterator[tuple[Any, Any]]:
    """The members of a mapping, its own ones before those that are merged into it (``<<``)."""
    waiting, seen = [node], {id(node)}
    while waiting:
        for key, value in waiting.pop(0).value:
            if not key.tag.endswith(":merge"):
                yield key, value
                continue
            for other in value.value if value.id == "sequence" else [value]:
                if other.id == "mapping" and id(other) not in seen:
                    seen.add(id(other))
                    waiting.append(other)


@cache
def _loader() -> Any:
    import yaml  # noqa: PLC0415

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        """Safe YAML in which a key that stands twice is an error, and dates stay text."""

        yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {
            first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
            for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

        def __init__(self, stream: Any) -> None:
            super().__init__(stream)
            self._looked_at: dict[int, Any] = {}

        def flatten_mapping(self, node: Any) -> None:
            # Before what is merged (<<) comes in, which the mapping's own keys replace; a merged one comes by again.
            if id(node) not in self._looked_at:
                self._looked_at[id(node)] = node
                self._refuse_twins(node)
            super().flatten_mapping(node)

        def _refuse_twins(self, node: Any) -> None:
            seen = set()
            for key_node, _ in node.value:
                if isinstance(key_node, yaml.ScalarNode) and not key_node.tag.endswith((":merge", ":value")):
                    key = self.construct_object(key_node)
                    if key in seen:
                        shown = repr(key) if isinstance(key, str) else key_node.value
                        raise ValueError(f"the key {shown} stands twice, line {key_node.start_mark.line + 1}")
                    seen.add(key)

    return Loader


def _fault(error: Exception, text: str) -> str:
    """What is wrong, in one line."""
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        line = (text.splitlines() or [""])[min(mark.line, len(text.splitlines()) - 1)] if text else ""
        if "\t" in line[: mark.column + 1]:
            return (
                f"a tab stands in line {mark.line + 1}, column {line.index(chr(9)) + 1}; YAML is indented with spaces"
            )
    return " ".join(str(error).replace('in "<unicode string>", ', "").split())
