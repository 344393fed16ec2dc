"""Writes workflow.schema.json, by which editors complete a workflow.yaml and underline what is wrong in it.

python -m murmur_workflows.schema
"""

import json
from pathlib import Path

from murmur_events.workflows import workflow_file_schema

SCHEMA = Path(__file__).with_name("workflow.schema.json")


def schema_text() -> str:
    """The schema as a file beside a workflow."""
    return json.dumps(workflow_file_schema(), indent=2) + "\n"


if __name__ == "__main__":
    SCHEMA.write_text(schema_text(), encoding="utf-8")
