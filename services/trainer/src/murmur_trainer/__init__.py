"""The trainer: it decides when a workflow trains, and trains it."""
