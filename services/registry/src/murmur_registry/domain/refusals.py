"""Why the registry does not do what it is told.

Errors
------
Refusal
├── Invalid       a value that cannot be kept: too long, badly formed, reserved
├── NotThere      no model, version or alias of that name
├── Taken         the name belongs to another model already
├── NotAllowed    a rule says that another role decides this
└── NotPossible   a rule, or the state of the model, says no to everybody
"""


class Refusal(Exception):
    """The root. Nothing is changed by what is refused."""


class Invalid(Refusal): ...


class NotThere(Refusal): ...


class Taken(Refusal): ...


class NotAllowed(Refusal): ...


class NotPossible(Refusal): ...


def no_model(name: str) -> NotThere:
    """In the words that MLflow's clients look for."""
    return NotThere(f"Registered Model with name={name} not found")


def no_version(name: str, version: int) -> NotThere:
    return NotThere(f"Model Version (name={name}, version={version}) not found")


def model_taken(name: str) -> Taken:
    return Taken(f"Registered Model (name={name}) already exists.")
