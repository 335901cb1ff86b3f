"""Cloud Run: services, their revisions, and how traffic is shared among them (Cloud Run Admin API v2)."""
