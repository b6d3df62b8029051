"""The world behind the gateway: a market that replays our bars, and the books of one account. Pure; time comes from a clock."""
