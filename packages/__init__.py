"""What builds the packages that are released."""
