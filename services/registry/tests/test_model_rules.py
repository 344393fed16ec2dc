"""Rules of models that clients make: who may let an alias name which version."""

from dataclasses import replace

import pytest
from registry_scenes import Registry

from murmur_registry.cataloguing import DeleteModel, MakeModel, SetRules, delete_model, make_model, set_rules
from murmur_registry.domain.because import Because
from murmur_registry.domain.models import Via
from murmur_registry.domain.refusals import NotAllowed, NotPossible
from murmur_registry.domain.rules import NO_RULES, AliasRule, Rules
from murmur_registry.domain.stages import Stage
from murmur_registry.pointing import MoveStage, PointAlias, Pointing
from murmur_registry.versioning import (
    DeleteVersion,
    MakeVersion,
    TagVersion,
    delete_version,
    make_version,
    tag_version,
)

VERA = Because("vera", "it is better", Via.REST, frozenset({"approver"}))
BOB = Because("bob", "it is better", Via.REST, frozenset({"author"}))
RULES = Rules(aliases={"production": AliasRule(role="approver", tags={"validation": "passed"})})


async def given_a_model_with_rules(registry: Registry) -> None:
    await registry.change(make_model, MakeModel(workspace="default", name="churn", because=BOB))
    await registry.change(set_rules, SetRules(key="churn", rules=RULES, because=VERA))
    await registry.change(make_version, MakeVersion(key="churn", source="s3://b/m", because=BOB))
    registry.take_published()


def production(because: Because) -> PointAlias:
    return PointAlias(key="churn", alias="production", version=1, because=because)


def passed(because: Because) -> TagVersion:
    return TagVersion(key="churn", version=1, tag="validation", value="passed", because=because)


async def test_an_alias_with_a_rule_names_what_bears_its_tags_when_its_role_says_so(
    registry: Registry, pointing: Pointing
) -> None:
    await given_a_model_with_rules(registry)
    with pytest.raises(NotPossible, match="asks for the tags validation=passed, and version 1 does not bear them"):
        await registry.change(pointing.point_alias, production(VERA))
    await registry.change(tag_version, passed(VERA))
    with pytest.raises(NotAllowed, match="needs the role 'approver', and 'bob' has author"):
        await registry.change(pointing.point_alias, production(BOB))
    await registry.change(pointing.point_alias, production(VERA))


async def test_the_stage_of_that_name_is_guarded_alike(registry: Registry, pointing: Pointing) -> None:
    await given_a_model_with_rules(registry)

    def move(stage: Stage, because: Because) -> MoveStage:
        return MoveStage(key="churn", version=1, stage=stage, archive=False, because=because)

    with pytest.raises(NotPossible, match="validation=passed"):
        await registry.change(pointing.move_stage, move(Stage.PRODUCTION, VERA))
    await registry.change(pointing.move_stage, move(Stage.STAGING, BOB))
    await registry.change(tag_version, passed(VERA))
    with pytest.raises(NotAllowed):
        await registry.change(pointing.move_stage, move(Stage.PRODUCTION, BOB))
    await registry.change(pointing.move_stage, move(Stage.PRODUCTION, VERA))
    with pytest.raises(NotAllowed, match="out of Production"):
        await registry.change(pointing.move_stage, move(Stage.NONE, BOB))


async def test_nobody_writes_the_tags_that_a_rule_asks_for_without_its_role(registry: Registry) -> None:
    await given_a_model_with_rules(registry)
    with pytest.raises(NotAllowed, match="the tag 'validation', which a rule of 'churn' asks for"):
        await registry.change(tag_version, passed(BOB))
    made = MakeVersion(key="churn", source="s3://b/m", tags={"validation": "passed"}, because=BOB)
    with pytest.raises(NotAllowed, match="a tag that a rule of 'churn' asks for"):
        await registry.change(make_version, made)
    await registry.change(tag_version, replace(passed(BOB), tag="other"))


async def test_nobody_takes_the_rules_or_what_they_guard_away_without_their_role(
    registry: Registry, pointing: Pointing
) -> None:
    await given_a_model_with_rules(registry)
    await registry.change(tag_version, passed(VERA))
    await registry.change(pointing.point_alias, production(VERA))
    with pytest.raises(NotAllowed, match="changing the rules"):
        await registry.change(set_rules, SetRules(key="churn", rules=NO_RULES, because=BOB))
    with pytest.raises(NotAllowed, match="deleting what the alias 'production' names"):
        await registry.change(delete_version, DeleteVersion(key="churn", version=1, because=BOB))
    with pytest.raises(NotAllowed, match="deleting 'churn', which has rules"):
        await registry.change(delete_model, DeleteModel(key="churn", because=BOB))
    with pytest.raises(NotAllowed):
        await registry.change(pointing.point_alias, replace(production(BOB), version=None))
    await registry.change(delete_model, DeleteModel(key="churn", because=VERA))


async def test_an_alias_without_a_rule_is_any_authors(registry: Registry, pointing: Pointing) -> None:
    await given_a_model_with_rules(registry)
    await registry.change(pointing.point_alias, replace(production(BOB), alias="champion"))
    with pytest.raises(NotAllowed, match="'author'"):
        await registry.change(pointing.point_alias, replace(production(VERA), alias="champion", version=None))
