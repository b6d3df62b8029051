"""Fakes for the edges nobody can run in a test, shipped so that strategies can be tested the way ats itself is."""
