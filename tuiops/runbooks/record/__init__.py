"""What is known of runs: the ledger folded into histories, what this console sees beyond it, and the way back."""
