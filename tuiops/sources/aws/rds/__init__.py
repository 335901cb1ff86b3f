"""Amazon RDS: database instances, what happened to them, their snapshots."""
