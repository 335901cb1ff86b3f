"""Cloud Monitoring: incidents with their policies and snoozes, and uptime checks (Cloud Monitoring API v3)."""
