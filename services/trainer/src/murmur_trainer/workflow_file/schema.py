"""The JSON schema of workflow.yaml, so that editors complete it and underline what is wrong."""

from typing import Any

from murmur_events.workflows import WorkflowDefinition


def workflow_schema() -> dict[str, Any]:
    """JSON Schema 2020-12. Unlike the type of the event it refuses unknown settings, as the check of the file does."""
    schema = WorkflowDefinition.model_json_schema()
    for part in (schema, *schema.get("$defs", {}).values()):
        if part.get("type") == "object" and "properties" in part:
            part["additionalProperties"] = False
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "workflow.yaml"}
