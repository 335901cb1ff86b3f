"""From a runbook to a plan: what will be done, resolved and frozen, and in which words it is shown."""
