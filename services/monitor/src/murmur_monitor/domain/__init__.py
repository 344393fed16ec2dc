"""What the monitor knows and decides, without knowing who tells it or who hears of it."""
