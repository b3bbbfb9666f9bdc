"""One file for each family of instruments."""
