"""The folder `clients` is run by pytest in the environments of MLflow's clients, not by the one that runs this."""

collect_ignore = ["clients"]
