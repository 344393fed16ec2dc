"""The door of MLflow's protocol, for every service that has one: how a call is read, refused, paged and answered.

`refusals`, `names` and `workspaces` are pure, so that domains may use them; the others know the web.
"""
