"""The registry: clients, APIs, organizations and people as HelseID knows them, a type a file.

Each type is a record (``records``): a frozen dataclass whose fields carry what a file says of them. From that one
declaration come the reader with its errors (``documents``), the JSON schema, and the page of formats. A document goes
in by ``Client.from_document`` and its like; what comes out is safe to share between threads. Clients use the registered
names of RFC 7591 and OpenID Connect Dynamic Registration, and HelseID's own facts as further members.
"""
