"""Writes workflow.schema.json, by which editors complete a workflow.yaml and underline what is wrong in it.

python -m murmur_workflows.schema
"""

import json
from pathlib import Path

from murmur_events.workflows import WorkflowDefinition

SCHEMA = Path(__file__).with_name("workflow.schema.json")


def schema_text() -> str:
    """JSON Schema 2020-12 of a workflow file. Unknown settings are mistakes, as they are to the trainer."""
    schema = WorkflowDefinition.model_json_schema()
    for part in (schema, *schema["$defs"].values()):
        if "properties" in part:
            part["additionalProperties"] = False
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "workflow.yaml"}
    return json.dumps(whole, indent=2) + "\n"


if __name__ == "__main__":
    SCHEMA.write_text(schema_text(), encoding="utf-8")
