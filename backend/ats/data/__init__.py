"""Market data: files into the catalog, checks of their quality, and the one place bars are read from."""
