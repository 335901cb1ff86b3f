"""Carrying out: permission, locks, steps at most once, recovery of what a lost console left."""
