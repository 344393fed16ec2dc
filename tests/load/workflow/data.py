def load(as_of, context):
    raise RuntimeError("the worker of the benchmark never calls this")
