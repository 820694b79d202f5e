"""The file formats of the registry, in the order in which fixtures are loaded."""

from mock_sts.helseid.registry.api import API_FORMAT
from mock_sts.helseid.registry.client import CLIENT_FORMAT
from mock_sts.helseid.registry.organization import ORGANIZATION_FORMAT
from mock_sts.helseid.registry.persona import PERSONA_FORMAT

FORMATS = (ORGANIZATION_FORMAT, PERSONA_FORMAT, API_FORMAT, CLIENT_FORMAT)
