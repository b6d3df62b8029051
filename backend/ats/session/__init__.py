"""A paper or live session: its plan, the gates before it, the run, the control over it and its records."""
