"""The formats of a report beside JSON, by their words."""

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from mock_sts.services.conformance.junit import junit_of
from mock_sts.services.conformance.markdown import markdown_of
from mock_sts.services.conformance.sarif import sarif_of


class Format(NamedTuple):
    """A format: its media type, and what makes a text in it of a report's document."""

    media_type: str
    write: Callable[[Mapping[str, Any]], str]


#: The word of JSON, which is the document itself.
JSON = "json"

FORMATS: Mapping[str, Format] = {
    "junit": Format("application/xml", junit_of),
    "sarif": Format("application/sarif+json", lambda document: json.dumps(sarif_of(document), indent=2)),
    "markdown": Format("text/markdown", markdown_of),
}

#: What Accept may say beside the media types above.
_ALSO = {"text/xml": "junit", "application/json": JSON}


def accepted(header: str) -> str:
    """The word of the first format that an ``Accept`` header names; JSON where it names none."""
    named = {one.media_type: word for word, one in FORMATS.items()} | _ALSO
    for part in header[:1_000].split(","):
        word = named.get(part.partition(";")[0].strip().lower())
        if word is not None:
            return word
    return JSON
