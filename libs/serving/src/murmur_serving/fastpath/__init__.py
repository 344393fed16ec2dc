"""A shorter way to the same answers, beside MLServer's: what it is sure of it answers, the rest it hands on as it is.

Sure means: a valid request, in the plain form of the protocol, to a model that is ready. Errors, parameters and all
that is unusual are MLServer's own, so that there is one place that words them. `tests/test_serving_fastpath.py` sends
requests both ways and compares answers, headers, metrics and rows of the prediction log.

    requests    from bytes to rows, or None
    models      which model a path means, as MLServer's registry would choose it
    answers     from rows to outputs, with their rows in the prediction log
    turns       what has come in one turn of the event loop is answered together
    writing     an answer as MLServer would write it
    http, grpc  the two doors
"""
