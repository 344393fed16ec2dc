"""Why a client is refused, in the words that MLflow's clients know.

Refusal
├── NoSuchThing         404 RESOURCE_DOES_NOT_EXIST
├── NoSuchEndpoint      404 ENDPOINT_NOT_FOUND
├── AlreadyThere        400 RESOURCE_ALREADY_EXISTS
├── BadValue            400 INVALID_PARAMETER_VALUE
│   └── TooLarge        413
├── WrongState          500 INVALID_STATE: as MLflow's server answers
├── NotYours            403 PERMISSION_DENIED
└── NotOffered          501 NOT_IMPLEMENTED: clients then do it in another way

NotHeard                another service may have said it a moment ago: whoever asks waits for it, see `hearing`
"""


class Refusal(Exception):
    """`code` is MLflow's error code, `status` its HTTP status."""

    code = "INTERNAL_ERROR"
    status = 500


class NoSuchThing(Refusal):
    code, status = "RESOURCE_DOES_NOT_EXIST", 404


class NoSuchEndpoint(Refusal):
    code, status = "ENDPOINT_NOT_FOUND", 404


class AlreadyThere(Refusal):
    code, status = "RESOURCE_ALREADY_EXISTS", 400


class BadValue(Refusal):
    code, status = "INVALID_PARAMETER_VALUE", 400


class TooLarge(BadValue):
    status = 413


class WrongState(Refusal):
    code, status = "INVALID_STATE", 500


class NotYours(Refusal):
    code, status = "PERMISSION_DENIED", 403


class NotOffered(Refusal):
    code, status = "NOT_IMPLEMENTED", 501


REFUSALS = (NoSuchThing, NoSuchEndpoint, AlreadyThere, BadValue, TooLarge, WrongState, NotYours, NotOffered)


class NotHeard(Exception):
    """refusal: what a client is told in the end. patience: which part of the longest wait it is worth"""

    def __init__(self, refusal: Exception, *, patience: float = 1.0) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal
        self.patience = patience
