"""Tracking as a process of its own, with a store in memory: to be measured, and to be killed.

python artifact_process.py HOME PORT
"""

import sys
from pathlib import Path

import uvicorn
from artifact_doors import app_of

if __name__ == "__main__":
    service, app = app_of(Path(sys.argv[1]))
    app.router.lifespan_context = service.lifespan
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), root_path="/tracking", log_level="warning")
