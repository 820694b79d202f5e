"""Values: dataclasses that do not change, for what is made once or more for each request."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar, dataclass_transform

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value_type(made: type[T]) -> type[T]:
    """Make a class a dataclass with slots, equal and hashed by its fields, which what checks types lets no code change.

    At run time nothing stops that: a frozen dataclass sets each field by a call, and takes three times as long to make.
    A token makes forty of them.
    """
    decorate: Callable[[type[T]], type[T]] = dataclass(slots=True, unsafe_hash=True)
    return decorate(made)
