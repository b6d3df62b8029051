"""Adapters to brokers, one folder each; a broker knows the kernel's venue description and no other broker."""
