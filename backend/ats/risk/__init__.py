"""What may be traded: limits, Guardian's judgement, approvals, the kill switch's state. Pure; storage is behind ports."""
