"""The schema's history: numbered, forward only, each revision leaves the database old or new, never between."""
