"""An append-only hash chain in files, with signed checkpoints, that anybody can verify."""
