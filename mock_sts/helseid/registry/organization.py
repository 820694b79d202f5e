"""An organization, by its number."""

from mock_sts.helseid.registry.records import Record, check_numbers, format_of, member, record


@record("organization", key="number")
class Organization(Record):
    """A legal entity, or a unit of one when ``parent`` is set."""

    number: str = member("The organization number, nine digits")
    name: str = member("The organization's name", default="")
    description: str = member("One line on why it is here", default="")
    sample: str = member("Where it was taken from, when it is a public sample", default="")
    parent: str | None = member("The number of the legal entity that it is a unit of", default=None)
    oddities: tuple[str, ...] = member("What is odd about it, each in a sentence", default=())

    @classmethod
    def from_document(cls, document: object, where: str) -> "Organization":
        """The organization that ``document`` describes. Raises DocumentError."""
        organization = ORGANIZATION_FORMAT.read(document, where)
        place = f"{where}, organization {organization.number!r}"
        check_numbers({"number": organization.number, "parent": organization.parent}, place)
        return organization


ORGANIZATION_FORMAT = format_of(Organization)
