"""The door of MLflow's protocol: each call is parsed, given to the handlers of all doors, answered in its shape."""
