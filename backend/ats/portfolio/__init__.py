"""How much to trade: sizing and sleeves."""
