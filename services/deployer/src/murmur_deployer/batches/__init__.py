"""Batches: files of rows, scored by the model servers that answer live traffic, through the same runtime and log.

    asking     from a request, by REST or by event, to a job; and how a batch is called off
    scoring    the job: chunk by chunk, from wherever an earlier attempt came to
    chunks     one chunk as requests to a replica, and which of its rows were refused
    rows       a Parquet or CSV file as chunks of numbers; and the parts of the output
    spool      what a batch under way has on this machine's disk
    replica    a request to a model server
    api        REST, with the door for files

Errors
------
BatchRefused         a batch cannot be scored; carries the cause that `batch.failed` names
├── UnknownDeployment   answers 404
├── NotServing          answers 409
├── InputGone           answers 410
└── InputUnusable       answers 422
InputTooLarge        a file beyond what the door takes: answers 413
"""
