"""The real servers that tests talk to, on loopback, started and ended by the test that needs them.

`fixtures` is where a test begins; `packages` finds the programs; `processes` runs them; every other module
knows one program.
"""
