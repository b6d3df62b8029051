"""Pure decisions: rolling windows of closed bars and the rules that read them. No I/O, no clock, no randomness, no engine types."""
