"""NHN's self-service (Selvbetjening), on the paths of its API."""
