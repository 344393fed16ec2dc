"""What computes the outputs of a model: one small port, three engines behind it, and the choice among them."""
