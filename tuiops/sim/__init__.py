"""A simulated fleet driven by a clock: the demonstration, the drills and the test double are one thing."""
