"""Conformance: the checks, reports and sessions."""
