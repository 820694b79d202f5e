"""How many examples a property is tried with: some of them in make test, all in make test-all."""

import os
from typing import Any

from hypothesis import settings

#: Set by make test-all.
ALL = "ALL_EXAMPLES"


def examples(count: int, **options: Any) -> settings:
    """Settings for a property that is worth ``count`` examples, the same ones each time; of them a fifth where time is
    short.
    """
    tried = count if os.environ.get(ALL) else max(20, count // 5)
    return settings(max_examples=tried, deadline=None, derandomize=True, **options)
