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
    },
    "registry": {("POST", "/v1/models/{name}/versions/{version}/review"): APPROVER},
    "trainer": {
        ("PUT", "/v1/workflows/{name}"): AUTHOR,
        ("POST", "/v1/workflows/{name}/trainings"): AUTHOR,
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
