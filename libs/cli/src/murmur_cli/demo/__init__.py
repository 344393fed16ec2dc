"""Reference workflows played as stories, with real data and the real flock: `murmur demo`."""
