"""Brings what an MLflow server has over to the flock: only by the public REST API of both, and resumable at any call.

errors      what can go wrong
wire        calls of one server, repeated where that is safe
source      reads the other server;  source_registry its registered models
sink        writes here;  sink_registry registered models
shapes      what is read, and how it is recognised again
tally       the ledger: what was taken, was there, is left and why
experiments, logged_models, runs, files, registered, versions   each takes one kind
differences, pieces   what is not here of a run yet, in calls that the other side takes
origins     where the files of a version are here
importing   in which order
progress, report   what people see of it
"""
