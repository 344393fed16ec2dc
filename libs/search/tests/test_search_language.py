"""What can be written, what it is read as, and what is said of what cannot."""

from collections.abc import Sequence

import pytest

from murmur_search import (
    EXPERIMENTS,
    LOGGED_MODELS,
    MODEL_VERSIONS,
    REGISTERED_MODELS,
    RUNS,
    And,
    Compare,
    Field,
    Filter,
    FilterRefused,
    Kind,
    Like,
    Matches,
    Not,
    OneOf,
    Or,
    Order,
    Present,
    Schema,
    parse_filter,
    parse_order,
)
from murmur_search.build import CONDITIONS, DEEPEST, PATTERN, VALUES


def metric(key: str) -> Field:
    return Field(Kind.METRIC, key)


def param(key: str) -> Field:
    return Field(Kind.PARAM, key)


def tag(key: str) -> Field:
    return Field(Kind.TAG, key)


def own(key: str) -> Field:
    return Field(Kind.ATTRIBUTE, key)


A, B, C = (Compare(metric(key), "=", 1.0) for key in "abc")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("metric.acc >= 0.94", Compare(metric("acc"), ">=", 0.94)),
        ("metrics.acc>=100", Compare(metric("acc"), ">=", 100.0)),
        ("METRICS.acc<-1.5E-3", Compare(metric("acc"), "<", -0.0015)),
        ("metrics.x = .5", Compare(metric("x"), "=", 0.5)),
        ("params.m!='tf'", Compare(param("m"), "!=", "tf")),
        ('parameter."m" = "tf"', Compare(param("m"), "=", "tf")),
        ('param."cat dog" = "L\'Hosp"', Compare(param("cat dog"), "=", "L'Hosp")),
        ("params.m = 'it''s'", Compare(param("m"), "=", "it's")),
        ("parameters.`a.b c` = ''", Compare(param("a.b c"), "=", "")),
        ('metrics."X//Y#$$@&Z" = 3', Compare(metric("X//Y#$$@&Z"), "=", 3.0)),
        ("metrics.val/top-1 > 3", Compare(metric("val/top-1"), ">", 3.0)),
        ("tags.mlflow.parentRunId = 'x'", Compare(tag("mlflow.parentRunId"), "=", "x")),
        ("`tag`.source = 'a notebook'", Compare(tag("source"), "=", "a notebook")),
        ("tags.in = 'not'", Compare(tag("in"), "=", "not")),
        ("attribute.start_time >= 1234", Compare(own("start_time"), ">=", 1234)),
        ("attr.Created < 9223372036854775807", Compare(own("start_time"), "<", 2**63 - 1)),
        ("created < 9223372036854775808", Compare(own("start_time"), "<", float(2**63))),
        ("run.status = 'RUNNING'", Compare(own("status"), "=", "RUNNING")),
        ("attributes.`Run name` = 'x'", Compare(own("run_name"), "=", "x")),
        ('"run name" = "x"', Compare(own("run_name"), "=", "x")),
        ("run_id IN ('a','b')", OneOf(own("run_id"), ("a", "b"))),
        ("metrics.a not in (1, 2.5)", OneOf(metric("a"), (1.0, 2.5), negated=True)),
        ("datasets.digest Like '%x_'", Like(Field(Kind.DATASET, "digest"), "%x_")),
        ("tags.a NOT ILIKE 'x'", Like(tag("a"), "x", any_case=True, negated=True)),
        ("tags.version IS NULL", Present(tag("version"), present=False)),
        ("metrics.a is not null", Present(metric("a"), present=True)),
        ("text MATCH 'Größe learn* a-b'", Matches(("grosse", "a", "b"), ("learn",))),
        ("metrics.a=1 and metrics.b=1 OR metrics.c=1", Or((And((A, B)), C))),
        ("metrics.a=1 AND (metrics.b=1 or metrics.c=1)", And((A, Or((B, C))))),
        ("not metrics.a=1 AND NOT (metrics.b=1)", And((Not(A), Not(B)))),
        ("NOT not metrics.a=1", Not(Not(A))),
        ("(((metrics.a=1)))", A),
        ("\n metrics.a\t=\r\n1 ", A),
    ],
)
def test_what_is_written_is_read(text: str, tree: Filter) -> None:
    assert parse_filter(text, RUNS) == tree


@pytest.mark.parametrize("text", [None, "", "  \n"])
def test_nothing_asks_for_everything(text: str | None) -> None:
    assert parse_filter(text, RUNS) is None


@pytest.mark.parametrize(
    ("text", "said", "place"),
    [
        ("metric.acc >= 0.94; metrics.rmse < 1", "one expression", (1, 19)),
        ("m.acc >= 0.94", "Invalid entity type 'm'", (1, 1)),
        ("metrcs.acc >= 0.94", "Did you mean 'metrics'?", (1, 1)),
        ("acc >= 0.94", "Invalid attribute key 'acc'", (1, 1)),
        ("attributes.stat = 'x'", "Did you mean 'status'?", (1, 12)),
        ("attribute.experiment_id != 1", "Invalid attribute key 'experiment_id'", (1, 11)),
        ("attribute.lifecycle_stage = 'ACTIVE'", "Invalid attribute key", (1, 11)),
        ("metrics.A > 0.1 NAND params.B = 'LR'", "'NAND' where AND, OR or the end is expected", (1, 17)),
        ("`metrics.A > 0.1", "quote is never closed", (1, 1)),
        ("params.acc = 'LR", "quote is never closed", (1, 14)),
        ("params.acc = LR'", "quote is never closed", (1, 16)),
        ("params.acc = \"LR'", "quote is never closed", (1, 14)),
        ("attribute.status = true", "Expected a quoted string value for attributes", (1, 20)),
        ("attribute.status = 1", "Expected a quoted string value for attributes", (1, 20)),
        ("params.acc = 5", "Expected a quoted string value for parameter", (1, 14)),
        ("tags.acc = 5", "Expected a quoted string value for tag", (1, 12)),
        ("tags.acc = LR", "Write 'LR' if it is meant as text", (1, 12)),
        ("params.acc = `LR`", "Expected a quoted string value", (1, 14)),
        ("dataset.status = 'true'", "Invalid dataset key 'status'", (1, 9)),
        ("metric.model = 'LR'", "Expected numeric value type for metric", (1, 16)),
        ("metrics.acc != metrics.acc", "Expected numeric value type for metric", (1, 16)),
        ("start_time > 'x'", "Expected numeric value type for numeric attribute: start_time", (1, 14)),
        ("1.0 > metrics.acc", "begins with a field", (1, 1)),
        ("1=1", "begins with a field", (1, 1)),
        ("metrics.a > 1 AND\n  metrics.b ~= 2", "Invalid comparator '~='", (2, 13)),
        ("metrics.a == 1", "Write =.", (1, 11)),
        ("params.a > '1'", "Invalid comparator '>'", (1, 10)),
        ("tags.a <= '1'", "Invalid comparator '<='", (1, 8)),
        ("status < 'x'", "Invalid comparator '<'", (1, 8)),
        ("dataset.name >= 'x'", "Invalid comparator '>='", (1, 14)),
        ("start_time LIKE 1234", "Invalid comparator 'LIKE'", (1, 12)),
        ("metrics.a ILIKE 'x'", "Invalid comparator 'ILIKE'", (1, 11)),
        ("tags.acc = = 'LR'", "a text in quotes or a number is expected", (1, 12)),
        ("attribute.status IS 'RUNNING'", "NOT or NULL is expected", (1, 21)),
        ("params.acc LR !=", "'LR' where a comparison", (1, 12)),
        ("metric.acc !=", "ends where", (1, 14)),
        ("(metrics.a > 1", "')'", (1, 15)),
        ("metrics.a > 1)", "no parenthesis is open", (1, 14)),
        ("metrics.a = 1 && metrics.b = 1", "Write AND", (1, 15)),
        ("metrics. > 1", "after a dot comes a key", (1, 8)),
        ("run_id IN ()", "at least one value", (1, 8)),
        ("run_id IN (1, 2)", "Expected a quoted string value", (1, 12)),
        ("run_id IN 'a'", "'('", (1, 11)),
        ("text = 'x'", "Write text MATCH", (1, 1)),
        ("run_name MATCH 'x'", "text MATCH 'x'", (1, 1)),
        ("text MATCH words", "Write 'words'", (1, 12)),
        ("text MATCH '*-!'", "no word", (1, 12)),
        ("metrics.a > 1 OR", "a field such as", (1, 17)),
        ("a" * 2_000_000, "are allowed", (1, 1)),
    ],
)
def test_an_error_says_what_and_where(text: str, said: str, place: tuple[int, int]) -> None:
    with pytest.raises(FilterRefused) as refused:
        parse_filter(text, RUNS)
    assert said in str(refused.value)
    assert (refused.value.line, refused.value.column) == place


def test_an_error_shows_the_place() -> None:
    with pytest.raises(FilterRefused) as refused:
        parse_filter("metrics.a > 1 AND\n\tparms.lr = '1'", RUNS)
    assert str(refused.value).splitlines()[1:] == ["line 2, column 2:", "  \tparms.lr = '1'", "  \t^^^^^"]


def test_an_error_shows_of_a_long_line_what_is_around_the_place() -> None:
    with pytest.raises(FilterRefused) as refused:
        parse_filter(" AND ".join(["metrics.a > 1"] * 40 + ["metrics.b > x"] + ["metrics.a > 1"] * 40), RUNS)
    shown, carets = str(refused.value).splitlines()[-2:]
    assert len(shown) < 110
    assert shown[carets.index("^")] == "x"


@pytest.mark.parametrize(
    "text",
    [
        " AND ".join(["metrics.a > 1"] * (CONDITIONS + 1)),
        "NOT " * (DEEPEST + 2) + "metrics.a > 1",
        "(NOT " * (DEEPEST + 2) + "metrics.a > 1" + ")" * (DEEPEST + 2),
        f"run_id IN ({', '.join(['1'] * (VALUES + 1))})",
        f"run_id LIKE '{'x' * (PATTERN + 1)}'",
    ],
)
def test_what_no_store_could_answer_is_refused(text: str) -> None:
    with pytest.raises(FilterRefused, match=r"at most|deep"):
        parse_filter(text, RUNS)


@pytest.mark.parametrize(
    ("clauses", "orders"),
    [
        ([], ()),
        (["metrics.auc DESC, attributes.start_time"], (Order(metric("auc"), True), Order(own("start_time")))),
        (
            ["metric.a asc", 'params."x y" desc', "tag.t"],
            (Order(metric("a")), Order(param("x y"), True), Order(tag("t"))),
        ),
        (["attribute.`Run name`"], (Order(own("run_name")),)),
    ],
)
def test_orders(clauses: Sequence[str], orders: Sequence[Order]) -> None:
    assert parse_order(clauses, RUNS) == tuple(orders)


@pytest.mark.parametrize(
    ("clauses", "said"),
    [
        (["metrics.a up"], "ASC, DESC"),
        (["metrics.a DESC ASC"], "'ASC'"),
        (["acc"], "Invalid order by key 'acc'"),
        (["dataset.name"], "Invalid order by"),
        (["m.a"], "Invalid entity type"),
        (["metrics.a", "metric.a DESC"], "duplicate fields"),
        (["start_time, Created"], "duplicate fields"),
        ([""], "a field"),
        (["text"], "Invalid order by key 'text'"),
    ],
)
def test_orders_that_are_refused(clauses: Sequence[str], said: str) -> None:
    with pytest.raises(FilterRefused, match=said):
        parse_order(clauses, RUNS)


@pytest.mark.parametrize(
    ("schema", "text", "accepted"),
    [
        (EXPERIMENTS, "name ILIKE 'x%' AND tags.a = 'b' AND creation_time > 5", True),
        (EXPERIMENTS, "metrics.a > 1", False),
        (EXPERIMENTS, "text MATCH 'x'", False),
        (LOGGED_MODELS, "metrics.a > 1 AND params.b = 'x' AND model_type = 't' AND creation_timestamp_ms > 5", True),
        (LOGGED_MODELS, "datasets.name = 'x'", False),
        (REGISTERED_MODELS, "name LIKE 'x%' AND tags.`k` != 'v'", True),
        (REGISTERED_MODELS, "creation_timestamp > 5", False),
        (MODEL_VERSIONS, "name = 'x' AND version_number > 5 AND run_id IN ('a') AND source_path ILIKE 'S3%'", True),
        (MODEL_VERSIONS, "run = 'x'", False),
        (MODEL_VERSIONS, "params.x = 'x'", False),
    ],
)
def test_each_thing_has_its_fields(schema: Schema, text: str, accepted: bool) -> None:
    if accepted:
        assert parse_filter(text, schema) is not None
    else:
        with pytest.raises(FilterRefused):
            parse_filter(text, schema)


def test_ties_are_broken_by_what_is_unique() -> None:
    assert RUNS.complete(()) == (Order(own("start_time"), True), Order(own("run_id")))
    started = Order(own("start_time"))
    assert RUNS.complete([started]) == (started, Order(own("run_id")))
    assert REGISTERED_MODELS.complete([Order(own("name"), True)]) == (Order(own("name"), True),)
