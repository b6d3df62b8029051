"""The `ats` command. Each command parses, calls one operation and formats its result."""
