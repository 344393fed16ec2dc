"""What the trainer decides: pure, and deaf to stores, buses and clocks."""
