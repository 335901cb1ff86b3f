"""The whole program against real servers: what it shows and says while they come, go and misbehave."""
