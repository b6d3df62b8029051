"""Storage: services, database, Redis, files. Implements the ports the layers below own."""
