"""Who may call what changes something: one entry an endpoint, written by hand, and nothing is derived from the code.

A new endpoint without an entry fails `test_rest_matrix.py`, as does an entry whose endpoint is gone.
"""

from murmur_access import Role

AUTHOR, APPROVER, OPERATOR = frozenset({Role.AUTHOR}), frozenset({Role.APPROVER}), frozenset({Role.OPERATOR})
VIEWER = frozenset(Role)

EVERY_SERVICE = {
    ("POST", "/v1/dead-letters/redrive"): OPERATOR,
    ("POST", "/v1/dead-letters/{letter_id}/redrive"): OPERATOR,
    ("PUT", "/v1/dead-letters/{letter_id}/payload"): OPERATOR,
    ("POST", "/v1/dead-letters/{letter_id}/discard"): OPERATOR,
}

AUTHOR_OR_APPROVER = AUTHOR | APPROVER
"""Which of them may is the model's rule."""

OF_MLFLOW = {
    (method, f"{prefix}/{path}"): roles
    for prefix in ("/api/2.0/mlflow", "/ajax-api/2.0/mlflow")
    for method, path, roles in (
        ("POST", "registered-models/create", AUTHOR),
        ("PATCH", "registered-models/update", AUTHOR),
        ("POST", "registered-models/rename", AUTHOR),
        ("DELETE", "registered-models/delete", AUTHOR),
        ("POST", "registered-models/get-latest-versions", frozenset(Role)),
        ("POST", "registered-models/set-tag", AUTHOR),
        ("DELETE", "registered-models/delete-tag", AUTHOR),
        ("POST", "registered-models/alias", AUTHOR_OR_APPROVER),
        ("DELETE", "registered-models/alias", AUTHOR_OR_APPROVER),
        ("POST", "model-versions/create", AUTHOR),
        ("PATCH", "model-versions/update", AUTHOR),
        ("POST", "model-versions/transition-stage", AUTHOR_OR_APPROVER),
        ("DELETE", "model-versions/delete", AUTHOR),
        ("POST", "model-versions/set-tag", AUTHOR_OR_APPROVER),
        ("DELETE", "model-versions/delete-tag", AUTHOR_OR_APPROVER),
    )
}

BY_SERVICE: dict[str, dict[tuple[str, str], frozenset[Role]]] = {
    "tracking": {
        **{
            (method, f"{api}/2.0/mlflow-artifacts/{path}/{{path:path}}"): AUTHOR
            for api in ("/api", "/ajax-api")
            for method, path in (
                ("PUT", "artifacts"),
                ("DELETE", "artifacts"),
                ("POST", "mpu/create"),
                ("POST", "mpu/complete"),
                ("POST", "mpu/abort"),
            )
        },
        ("POST", "/ajax-api/2.0/mlflow/upload-artifact"): AUTHOR,
        ("POST", "/v1/runs/{run_id}/shares"): AUTHOR,
        ("DELETE", "/v1/shares/{share_id}"): AUTHOR,
        **{
            ("POST", f"{api}/2.0/mlflow/{path}"): role
            for api in ("/api", "/ajax-api")
            for role, paths in {
                VIEWER: "experiments/search experiments/search-datasets runs/search",
                AUTHOR: (
                    "experiments/create experiments/delete experiments/restore experiments/update"
                    " experiments/set-experiment-tag experiments/delete-experiment-tag runs/create runs/update"
                    " runs/delete runs/restore runs/log-metric runs/log-parameter runs/set-tag runs/delete-tag"
                    " runs/log-batch"
                    " runs/log-model runs/log-inputs runs/outputs"
                ),
            }.items()
            for path in paths.split()
        },
        **{
            (method, f"{api}/2.0/mlflow/logged-models{path}"): role
            for api in ("/api", "/ajax-api")
            for method, path, role in (
                ("POST", "", AUTHOR),
                ("POST", "/search", VIEWER),
                ("PATCH", "/{model_id}", AUTHOR),
                ("DELETE", "/{model_id}", AUTHOR),
                ("PATCH", "/{model_id}/tags", AUTHOR),
                ("DELETE", "/{model_id}/tags/{key:path}", AUTHOR),
                ("POST", "/{model_id}/params", AUTHOR),
            )
        },
        ("DELETE", "/v1/workspaces/{name}"): OPERATOR,
        ("POST", "/v1/imports/runs"): AUTHOR,
        ("POST", "/v1/imports/logged-models"): AUTHOR,
        **{
            (method, f"{api}/{{path:path}}"): VIEWER  # there is nothing: it changes nothing
            for api in ("/api", "/ajax-api")
            for method in ("POST", "PUT", "PATCH", "DELETE")
        },
    },
    "registry": {
        ("POST", "/v1/models/{name}/versions/{version}/review"): APPROVER,
        ("PUT", "/v1/models/{name}/aliases/{alias}"): AUTHOR_OR_APPROVER,
        ("DELETE", "/v1/models/{name}/aliases/{alias}"): AUTHOR_OR_APPROVER,
        ("POST", "/v1/models/{name}/aliases/{alias}/rollback"): AUTHOR_OR_APPROVER,
        ("PUT", "/v1/models/{name}/rules"): APPROVER,
        ("PUT", "/v1/models/{name}/versions/{version}"): AUTHOR,
        ("POST", "/v1/webhooks"): OPERATOR,
        ("PATCH", "/v1/webhooks/{webhook}"): OPERATOR,
        ("DELETE", "/v1/webhooks/{webhook}"): OPERATOR,
        ("POST", "/v1/webhooks/{webhook}/secret"): OPERATOR,
        ("POST", "/v1/webhooks/{webhook}/test"): OPERATOR,
        ("POST", "/v1/webhooks/{webhook}/deliveries/{message}/redeliver"): OPERATOR,
        **OF_MLFLOW,
    },
    "trainer": {
        ("PUT", "/v1/workflows/{name}"): AUTHOR,
        ("POST", "/v1/workflows/{name}/trainings"): AUTHOR,
        ("POST", "/v1/runs/{run_id}/reproductions"): AUTHOR,
        ("POST", "/v1/workflows/{name}/sweeps"): AUTHOR,
        ("POST", "/v1/sweeps/{sweep_id}/cancel"): AUTHOR,
        ("PUT", "/v1/freezes/{what}"): OPERATOR,
        ("PUT", "/v1/freezes/{what}/{workflow}"): OPERATOR,
        ("DELETE", "/v1/freezes/{what}"): OPERATOR,
        ("DELETE", "/v1/freezes/{what}/{workflow}"): OPERATOR,
    },
    "validator": {},
    "deployer": {
        ("POST", "/v1/deployments/{name}/rollback"): APPROVER,
        ("POST", "/v1/batch-inputs"): AUTHOR,
        ("POST", "/v1/batches"): AUTHOR,
        ("POST", "/v1/batches/{name}/cancel"): AUTHOR,
    },
    "monitor": {("POST", "/v1/deployments/{name}/feedback"): AUTHOR},
    "audit": {("POST", "/v1/checkpoints"): OPERATOR},
}


def expected(service: str) -> dict[tuple[str, str], frozenset[Role]]:
    return EVERY_SERVICE | BY_SERVICE[service]
