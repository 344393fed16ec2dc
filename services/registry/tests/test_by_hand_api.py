"""The registry's own door for what is done by hand, with a reason; and for what was so at some time."""

from datetime import UTC, datetime
from typing import Any

from registry_doors import Doors

WHY = {"by": "vera", "reason": "it is better"}


async def given_champion(door: Doors) -> None:
    await door.make("churn", versions=2)
    for version in (1, 2):
        answer = await door.http.put("/v1/models/churn/aliases/champion", json={"version": version, **WHY})
        assert answer.status_code == 200, answer.text


async def test_an_alias_is_set_taken_back_and_removed_with_a_reason(door: Doors) -> None:
    await given_champion(door)
    assert (await door.http.get("/v1/models/churn/aliases")).json() == {"aliases": {"champion": 2}}
    answer = await door.http.post("/v1/models/churn/aliases/champion/rollback", json=WHY)
    assert (answer.status_code, answer.json()) == (
        200,
        {"model": "churn", "alias": "champion", "leaves": 2, "to": 1, "requested": False},
    )
    again = await door.http.post("/v1/models/churn/aliases/champion/rollback", json={"to": 7, **WHY})
    assert (again.status_code, again.json()["title"]) == (409, "NotPossible")
    gone = await door.http.delete("/v1/models/churn/aliases/champion", params=WHY)
    assert gone.status_code == 200, gone.text
    moves = (await door.http.get("/v1/models/churn/moves")).json()["items"]
    assert [(move["version"], move["by"], move["via"]) for move in moves] == [
        (None, "vera", "rest"),
        (1, "vera", "rest"),
        (2, "vera", "rest"),
        (1, "vera", "rest"),
    ]


async def test_a_change_by_hand_needs_a_name_and_a_reason(door: Doors) -> None:
    await given_champion(door)
    for body in (
        {"version": 1, "by": "vera"},
        {"version": 1, "by": "vera", "reason": ""},
        {"version": 1, "reason": "x"},
    ):
        assert (await door.http.put("/v1/models/churn/aliases/champion", json=body)).status_code == 422
    assert (await door.http.put("/v1/models/nobody/aliases/a", json={"version": 1, **WHY})).status_code == 404


async def test_a_repeated_call_with_its_key_is_done_once(door: Doors) -> None:
    await given_champion(door)
    key = {"Idempotency-Key": "k"}
    answers = [
        await door.http.post("/v1/models/churn/aliases/champion/rollback", json=WHY, headers=key) for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    assert (await door.http.get("/v1/models/churn/aliases")).json() == {"aliases": {"champion": 1}}


async def test_what_was_so_is_asked_by_a_time(door: Doors) -> None:
    await door.make("churn", versions=1)
    await door.http.put("/v1/models/churn/aliases/champion", json={"version": 1, **WHY})
    then = {"as_of": datetime.now(UTC).isoformat()}
    await door.make_version("churn")
    await door.http.put("/v1/models/churn/aliases/champion", json={"version": 2, **WHY})
    await door.mlflow("POST", "registered-models/rename", {"name": "churn", "new_name": "leavers"})

    assert (await door.http.get("/v1/models/leavers/aliases", params=then)).json() == {"aliases": {"champion": 1}}
    model = (await door.http.get("/v1/models/leavers", params=then)).json()
    assert (model["name"], model["as_of"][:10]) == ("churn", then["as_of"][:10])
    versions = (await door.http.get("/v1/models/leavers/versions", params=then)).json()["items"]
    assert versions == model["versions"]
    assert [(version["version"], version["aliases"]) for version in versions] == [(1, ["champion"])]
    one = await door.http.get("/v1/models/leavers/versions/1", params=then)
    assert one.json() == versions[0]
    assert (one.json()["stage"], one.json()["source"], one.json()["run_id"]) == ("None", "runs:/r1/model", "r1")
    assert (await door.http.get("/v1/models/leavers/versions/2", params=then)).status_code == 404
    assert (await door.http.get("/v1/models/nobody", params=then)).status_code == 404
    before = await door.http.get("/v1/models/leavers", params={"as_of": "2020-01-01T00:00:00Z"})
    assert (before.status_code, before.json()["title"]) == (404, "NotThere")
    assert (await door.http.get("/v1/models/leavers", params={"as_of": "yesterday"})).status_code == 422


async def test_every_change_is_listed_newest_first(door: Doors) -> None:
    await given_champion(door)
    await door.mlflow(
        "POST",
        "registered-models/set-tag",
        {"name": "churn", "key": "team", "value": "growth"},
        reason="the team asked for it",
    )
    page = (await door.http.get("/v1/models/churn/changes?limit=2")).json()
    tag, alias = page["items"]
    assert (tag["what"], tag["name"], tag["after"], tag["via"]) == ("tag", "team", "growth", "mlflow")
    assert (tag["by"], tag["reason"]) == ("an MLflow client", "the team asked for it")
    assert (alias["what"], alias["before"], alias["after"], alias["version"]) == ("alias", "1", "2", 2)
    assert alias["cause"]["correlation_id"]
    rest = (await door.http.get(f"/v1/models/churn/changes?cursor={page['next']}")).json()
    assert [change["what"] for change in rest["items"]] == ["alias", "made", "made", "made"]


async def test_rules_are_an_approvers_and_hold_at_every_door(guarded_door: Doors) -> None:
    door = guarded_door
    await door.make("churn", role="author")
    rules = {"aliases": {"production": {"role": "approver", "tags": {"validation": "passed"}}}, "reason": "policy"}
    signed = {role.value: {"Authorization": f"Bearer {token}"} for role, token in door.tokens.items()}
    refused = await door.http.put("/v1/models/churn/rules", json=rules, headers=signed["author"])
    assert refused.status_code == 403
    kept = await door.http.put("/v1/models/churn/rules", json=rules, headers=signed["approver"])
    assert kept.json() == {"model": "churn", "aliases": rules["aliases"]}
    assert (await door.http.get("/v1/models/churn/rules", headers=signed["viewer"])).json() == kept.json()
    alias = "/v1/models/churn/aliases/production"
    body = {"version": 1, "reason": "go"}
    statuses = {
        role: (await door.http.put(alias, json=body, headers=signed[role])).status_code for role in sorted(signed)
    }
    assert statuses == {"approver": 409, "author": 403, "operator": 403, "viewer": 403}
    tag = {"name": "churn", "version": "1", "key": "validation", "value": "passed"}
    await door.mlflow("POST", "model-versions/set-tag", tag, role="approver")
    assert (await door.http.put(alias, json=body, headers=signed["approver"])).status_code == 200


def brought(**more: Any) -> dict[str, Any]:
    return {"source": "runs:/r1/model", "run_id": "r1", "tags": {"from": "there"}, **WHY, **more}


async def test_a_version_is_brought_under_the_number_that_it_has_elsewhere(door: Doors) -> None:
    await door.make("churn", versions=0)
    for number in (5, 2):
        answer = await door.http.put(f"/v1/models/churn/versions/{number}", json=brought(description=f"v{number}"))
        assert (answer.status_code, answer.json()) == (201, {"model": "churn", "version": number}), answer.text
    version = await door.version("churn", 5)
    assert (version["description"], version["run_id"], version["source"]) == ("v5", "r1", "runs:/r1/model")
    assert (await door.make_version("churn"))["version"] == "6", "the next one comes after the greatest"


async def test_a_number_that_is_or_was_taken_is_refused(door: Doors) -> None:
    await door.make("churn", versions=2)
    await door.mlflow("DELETE", "model-versions/delete", {"name": "churn", "version": "2"})
    for number in (1, 2):
        answer = await door.http.put(f"/v1/models/churn/versions/{number}", json=brought())
        assert (answer.status_code, answer.json()["title"]) == (409, "Taken")
    assert (await door.version("churn", 1)).get("tags") is None
    key = {"Idempotency-Key": "k"}
    answers = [await door.http.put("/v1/models/churn/versions/7", json=brought(), headers=key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201], "the same call again"
    assert (await door.http.put("/v1/models/nobody/versions/1", json=brought())).status_code == 404
