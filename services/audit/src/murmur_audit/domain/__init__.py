"""What the ledger records of what was heard: pure."""
