"""May this alias name this version? Asked whichever door is used, before anything moves by hand.

What a workflow's model serves is decided by validation, and by a person where the workflow asks for one: no door goes
around that. A model that clients make has the rules that it was given.
"""

from murmur_registry.domain.because import Because
from murmur_registry.domain.freezes import Freeze
from murmur_registry.domain.models import Alias, RegisteredModel
from murmur_registry.domain.refusals import NotPossible
from murmur_registry.domain.reviews import Review, ReviewStatus
from murmur_registry.domain.rules import missing_tags
from murmur_registry.domain.versions import ModelVersion, Outcome, VersionStatus

APPROVER = "approver"


def belongs_to_promotion(model: RegisteredModel, alias: str) -> bool:
    """Whether the alias is one of the two that validation and review move: of a workflow's model."""
    return model.workflow is not None and alias in (Alias.STAGING, Alias.PRODUCTION)


def may_name(model: RegisteredModel, alias: str, version: ModelVersion | None, because: Because) -> None:
    """For an alias that no workflow moves. Raises NotAllowed, NotPossible."""
    rule = model.rules.of(alias)
    because.must_satisfy(
        rule, f"moving the alias {alias!r} of {model.name!r}" + (", which has a rule," if rule else "")
    )
    if rule is None or version is None:
        return
    if missing := missing_tags(rule, version.tags):
        wanted = ", ".join(f"{key}={value}" for key, value in sorted(missing.items()))
        raise NotPossible(
            f"the rule of the alias {alias!r} of {model.name!r} asks for the tags {wanted}, and version"
            f" {version.version} does not bear them: validate it and set them first"
        )


def may_serve(
    model: RegisteredModel,
    version: ModelVersion,
    because: Because,
    *,
    review: Review | None,
    review_required: bool,
    freeze: Freeze | None,
) -> None:
    """For production of a workflow's model. Raises NotAllowed, NotPossible, which name the rule."""
    of = f"production of {model.name!r}, the model of a workflow,"
    because.must_hold(APPROVER, f"moving {of}")
    said = f"rule of {of} says that it names only versions whose validation passed"
    number = version.version
    if version.workflow is None:
        raise NotPossible(
            f"the {said}: version {number} was made by a client and nobody validates it; train it in the workflow"
        )
    if freeze is not None:
        raise NotPossible(f"promotion is frozen by {freeze.by} ({freeze.reason}): it moves when that is over")
    if version.verdict is None:
        raise NotPossible(f"the {said}: the verdict about version {number} is still awaited")
    if version.verdict.outcome not in (Outcome.BETTER, Outcome.FIRST):
        raise NotPossible(f"the {said}: version {number} is {version.status} ({version.verdict.summary})")
    if version.status is VersionStatus.REJECTED or version.waiting is not None:
        raise NotPossible(
            f"the {said} and that are not in question any more: version {number} is {version.status}"
            + (f" and waits for {version.waiting.fact}" if version.waiting else "")
        )
    if review_required and (review is None or review.status is not ReviewStatus.APPROVED):
        raise NotPossible(
            f"the rule of {of} asks for a person's review, and version {number} was not approved: murmur approve"
            f" {model.name} {number}, when its review is open"
        )


def moved_by_promotion(model: RegisteredModel, alias: str) -> NotPossible:
    """Staging, and an empty production: only what is heard of a version brings these about."""
    if alias == Alias.STAGING:
        return NotPossible(
            f"the rule of staging of {model.name!r}, the model of a workflow, says that it names what waits for a"
            f" review: a good verdict moves it there, and a decision moves it on"
        )
    return NotPossible(
        f"the rule of production of {model.name!r}, the model of a workflow, says that it always names a version:"
        f" let it name another, or roll it back"
    )
