"""When a candidate is good enough: decided on numbers alone."""
