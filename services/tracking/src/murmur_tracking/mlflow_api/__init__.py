"""The door for MLflow's own clients: its protocol, its shapes, its errors."""
