"""What a front end is given: one person at the engine, wherever it runs, and those who only look on."""
