"""From decisions to quantities: sizes and the sleeves of a book. No I/O."""
