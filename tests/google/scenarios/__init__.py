"""Everything that the code asks of Google, one module for each API: `play` makes every request that there is."""
