"""What the registry's door refuses besides what every door of MLflow's protocol does."""

from murmur_mlflow.errors import Errors
from murmur_registry.domain.refusals import Invalid, NotAllowed, NotPossible, NotThere, Taken
from murmur_registry.domain.reviews import ReviewNotPossible

ERRORS = Errors(
    (
        (Invalid, "INVALID_PARAMETER_VALUE", 400),
        (Taken, "RESOURCE_ALREADY_EXISTS", 400),
        (NotAllowed, "PERMISSION_DENIED", 403),
        (NotThere, "RESOURCE_DOES_NOT_EXIST", 404),
        (NotPossible, "INVALID_STATE", 409),
        (ReviewNotPossible, "INVALID_STATE", 409),
    )
)
"""A stock server answers INVALID_STATE with 500, which its clients repeat for minutes: 409 says the same and is
final."""
