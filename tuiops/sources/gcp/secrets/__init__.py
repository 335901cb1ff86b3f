"""Secret Manager: secrets, their versions and the states of these; never a value (Secret Manager API v1)."""
