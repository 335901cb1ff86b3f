"""Cloud SQL: instances, their backups, and what is being done to them (Cloud SQL Admin API v1)."""
