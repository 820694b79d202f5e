"""The test-token service of NHN, on its paths."""
