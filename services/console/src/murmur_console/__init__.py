"""The web page of operators and reviewers: it shows what the flock says and does, and owns no data."""
