"""What a search box offers at a place. `|` is the cursor."""

import pytest

from murmur_search import RUNS, Kind
from murmur_search.completion import Known, complete

KNOWN = Known(
    keys={Kind.METRIC: ("auc", "val loss", "aupr"), Kind.PARAM: ("lr", "depth"), Kind.TAG: ("team", "mlflow.user")},
    values={"params.lr": ("0.1", "it's"), "tags.team": ("fraud",)},
)


def offered(text: str, *, purpose: str = "search") -> list[str]:
    """The whole texts that a choice leads to."""
    cursor = text.index("|")
    plain = text.replace("|", "")
    found = complete(plain, cursor, RUNS, KNOWN, purpose=purpose)  # type: ignore[arg-type]
    return [plain[: found.start] + one + plain[cursor:] for one in found.texts]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("metrics.|", "metrics.auc"),
        ("metrics.v|", "metrics.`val loss`"),
        ("metrics.`val l|", "metrics.`val loss`"),
        ("metric.aup|", "metric.aupr"),
        ("sta|", "status"),
        ("met|", "metrics."),
        ("te|", "text"),
        ("dep|", "params.depth"),
        ("metrics.auc > 0.5 AND par|", "metrics.auc > 0.5 AND params."),
        ("metrics.auc |", "metrics.auc >"),
        ("params.lr |", "params.lr ="),
        ("params.lr not |", "params.lr not LIKE"),
        ("params.lr is |", "params.lr is NULL"),
        ("params.lr is not |", "params.lr is not NULL"),
        ("text |", "text MATCH"),
        ("params.lr = |", "params.lr = '0.1'"),
        ("params.lr = 'it|", "params.lr = 'it''s'"),
        ('params.lr = "it|', 'params.lr = "it\'s"'),
        ("status = '|", "status = 'RUNNING'"),
        ("status IN ('RUNNING', 'F|", "status IN ('RUNNING', 'FINISHED'"),
        ("status IN ('RUNNING' |", "status IN ('RUNNING' )"),
        ("(status = 'FAILED' |", "(status = 'FAILED' AND"),
        ("tags.team = 'fraud' o|", "tags.team = 'fraud' OR"),
        ("tags.mlf| = 'x'", "tags.mlflow.user = 'x'"),
        ("dataset.|", "dataset.name"),
        ("not |", "not run_id"),
    ],
)
def test_first_is_what_begins_as_typed(text: str, first: str) -> None:
    assert offered(text)[0] == first


@pytest.mark.parametrize(
    "text", ["metrics.auc > |", "= 5 |", "nonsense.x |", "metrics.auc > 0.5 0.6 |", "metrics.zzz|"]
)
def test_nothing_is_offered_where_nothing_is_known(text: str) -> None:
    assert offered(text) == []


def test_an_order_offers_what_gives_one() -> None:
    assert offered("|", purpose="order")[:2] == ["run_id", "run_name"]
    assert "datasets." not in offered("|", purpose="order")
    assert "text" not in offered("|", purpose="order")
    assert offered("metrics.auc |", purpose="order") == ["metrics.auc ASC", "metrics.auc DESC", "metrics.auc ,"]
    assert offered("metrics.auc desc, me|", purpose="order")[0] == "metrics.auc desc, metrics."
