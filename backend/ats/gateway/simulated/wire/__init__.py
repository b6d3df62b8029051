"""The wire: frames and the layout of every message at server version 176. Knows no orders and no prices."""
