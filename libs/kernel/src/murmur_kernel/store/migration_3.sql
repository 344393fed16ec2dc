-- Jobs go on in the trace in which they were enqueued.
ALTER TABLE jobs ADD COLUMN traceparent TEXT;
