"""MLflow's REST protocol: reads a call, has a handler do it, answers in MLflow's shapes and with its errors."""
