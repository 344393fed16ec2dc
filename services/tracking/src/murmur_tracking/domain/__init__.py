"""How the history of a run is put together, whatever the order in which its facts arrive."""
