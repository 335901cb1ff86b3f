"""Carrying out commands and calls at most once each, with an identity by which their fate can be looked up."""
