"""The record of everything that was done: append-only, hash-chained, durable before anything acts on it."""
