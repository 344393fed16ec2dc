"""What runs inside a model server: the MLServer runtime, the check of every request, and the prediction log.

`python -m murmur_serving <directory>` starts one replica on a directory that `config.write_replica` has written.

Errors
------
ServingError (an MLServerError: each carries the HTTP status that it is answered with)
├── InvalidRequest      400: the request does not fit the model's signature
├── ModelRefused        500 at load: the file or its signature is not what the registry promised
├── PredictionFailed    500: the engine raised on a request that passed every check
└── LogUnwritable       503: a row could not be appended to the prediction log, so the answer is withheld

SinkAway                the broker took no batch; raised and handled inside the prediction log alone
"""
