"""Runbooks: written down once, checked whole, planned, confirmed, carried out at most once, recorded."""
