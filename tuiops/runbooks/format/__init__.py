"""What a runbook is: its file, its values, its placeholders, and all that is checked before it may run."""
