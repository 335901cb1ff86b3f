"""The real program in a real terminal: a pty, read by a terminal emulator and byte by byte."""
