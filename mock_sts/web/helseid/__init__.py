"""The emulated surface: HelseID's endpoints and pages, and those of its test identity provider."""
