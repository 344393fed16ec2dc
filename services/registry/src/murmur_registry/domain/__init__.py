"""What the registry decides, and nothing of how it hears or says it."""
