"""The strategies: thin NautilusTrader classes over pure decisions in `signals`, and the registry that names them."""
