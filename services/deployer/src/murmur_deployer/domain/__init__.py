"""What the deployer decides; knows no event, no store, no process."""
