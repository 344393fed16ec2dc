"""Watches what the models in production are asked and answer: folds it into windows, and finds drift in them."""
