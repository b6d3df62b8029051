"""The composition root: the one place where settings become services, repositories, catalogs, brokers, nodes and sessions."""
