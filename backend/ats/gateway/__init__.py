"""The broker's gateway: the simulated one, and what watches and controls a real one."""
