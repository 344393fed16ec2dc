"""Who may call what changes something: one entry an endpoint, written by hand, and nothing is derived from the code.

A new endpoint without an entry fails `test_rest_matrix.py`, as does an entry whose endpoint is gone.
"""

from murmur_access import Role

AUTHOR, APPROVER, OPERATOR = frozenset({Role.AUTHOR}), frozenset({Role.APPROVER}), frozenset({Role.OPERATOR})

EVERY_SERVICE = {
    ("POST", "/v1/dead-letters/redrive"): OPERATOR,
    ("POST", "/v1/dead-letters/{letter_id}/redrive"): OPERATOR,
    ("PUT", "/v1/dead-letters/{letter_id}/payload"): OPERATOR,
    ("POST", "/v1/dead-letters/{letter_id}/discard"): OPERATOR,
}

BY_SERVICE: dict[str, dict[tuple[str, str], frozenset[Role]]] = {
    "tracking": {},
    "registry": {("POST", "/v1/models/{name}/versions/{version}/review"): APPROVER},
    "trainer": {
        ("PUT", "/v1/workflows/{name}"): AUTHOR,
        ("POST", "/v1/workflows/{name}/trainings"): AUTHOR,
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
