"""What the console makes of the flock's history: chains, works, waits and their picture; pure."""
