"""The gateway's behaviour: who is connected, what they asked for, and what they are told."""
