"""What is generated: pages of the documentation, made from the code so that they cannot lag behind it, and the
statements that make tables.

What the code cannot say by itself, such as who calls an endpoint, stands here in words, keyed by the code's own names.
A name without words, or words without a name, is a DocumentationError: the page would be wrong.
"""

import json
from collections.abc import Mapping

from sqlalchemy.dialects import sqlite

from devtools.architecture import architecture_page
from devtools.claims import claims_page
from devtools.endpoints import endpoints_page
from devtools.errors import errors_page
from devtools.faults import faults_page
from devtools.formats import formats_page
from devtools.patterns import patterns_page
from devtools.providers import providers_page
from devtools.requirements import requirements_page
from devtools.settings import settings_page
from devtools.words import DocumentationError
from devtools.world import world_page
from mock_sts.helseid.registry.formats import FORMATS
from mock_sts.store.tables import create_statements

__all__ = ["DocumentationError", "generated_code", "generated_pages"]


def generated_pages() -> dict[str, str]:
    """File name below ``docs/`` to content. Raises DocumentationError."""
    pages = {
        "requirements.md": requirements_page(),
        "settings.md": settings_page(),
        "formats.md": formats_page(),
        "endpoints.md": endpoints_page(),
        "claims.md": claims_page(),
        "errors.md": errors_page(),
        "faults.md": faults_page(),
        "world.md": world_page(),
        "providers.md": providers_page(),
        "patterns.md": patterns_page(),
        "architecture.md": architecture_page(),
    }
    for fmt in FORMATS:
        one = fmt.json_schema()
        pages[f"schemas/{fmt.word.lower()}.schema.json"] = _json(one)
        several = {"$schema": one.pop("$schema"), "title": f"{fmt.word}s", "type": "array", "items": one}
        pages[f"schemas/{fmt.word.lower()}s.schema.json"] = _json(several)
    return pages


def generated_code() -> dict[str, str]:
    """File name below the package to content: what programs read."""
    statements = create_statements(sqlite.dialect())
    return {"store/sqlite/tables.sql": "".join(f"{one};\n" for one in statements)}


def _json(document: Mapping[str, object]) -> str:
    return json.dumps(document, indent=2) + "\n"
