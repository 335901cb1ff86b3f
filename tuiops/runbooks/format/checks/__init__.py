"""What is wrong with a runbook, found before anything runs."""
