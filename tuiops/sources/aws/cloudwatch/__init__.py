"""Amazon CloudWatch: metrics as indicators, alarms as alerts."""
