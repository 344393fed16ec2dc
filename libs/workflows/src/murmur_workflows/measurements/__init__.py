"""Scripts that measure what the stories of the reference workflows claim."""
