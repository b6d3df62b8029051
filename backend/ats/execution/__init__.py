"""How orders are worked and what they cost."""
