"""Rules between the settings of a workflow file, which the type of no single setting can say.

They look at the data as written, not at a checked definition, so that their mistakes are told together with all others.
"""

import re
from collections.abc import Callable

from murmur_trainer.domain import schedule
from murmur_trainer.workflow_file.tree import Place, Plain, Tree

RESERVED = ("schema",)
"""Names that the REST API has taken: /v1/workflows/schema."""

_RANGES = (
    "0 to 59",
    "0 to 23",
    "1 to 31, as the month has",
    "1 to 12 or JAN to DEC",
    "0 to 7 or SUN to SAT",
)


def check_rules(tree: Tree, *, name: str) -> None:
    """Every rule that is broken becomes a mistake of the tree. `name` is what the workflow is applied as."""
    _check_name(tree, name)
    for rule in _RULES:
        rule(tree)


def _check_name(tree: Tree, name: str) -> None:
    written = tree.text("name")
    if written is None:
        return
    if written != name:
        tree.mistake(tree.place(("name",)), f"the file names {written!r} but is applied as {name!r}", f"name: {name}")
    elif written in RESERVED:
        tree.mistake(tree.place(("name",)), f"{written!r} is a reserved name", "another name")


def _check_schedule(tree: Tree) -> None:
    cron = tree.text("schedule")
    if cron is None or len(cron.split()) != len(schedule.FIELDS):
        return
    bad = schedule.fault(cron)
    if bad is None:
        return
    place = tree.place(("schedule",))
    if bad.index is None:
        tree.mistake(place, f"schedule: {cron!r}: {bad.reason}", "five fields, such as '0 0 1 1,4,7,10 *'")
        return
    part, field = cron.split()[bad.index], schedule.FIELDS[bad.index]
    expected = f"{field}: {_RANGES[bad.index]}, * for all, */n for every nth"
    tree.mistake(_within(tree, place, cron, bad.index), f"schedule: {part!r} is no {field}", expected)


def _within(tree: Tree, place: Place, cron: str, index: int) -> Place:
    """The place of one field of a cron expression, where the expression stands on one line as it is."""
    start = tree.lines[place.line - 1].find(cron, place.column - 1)
    fields = list(re.finditer(r"\S+", cron))
    return Place(place.line, start + fields[index].start() + 1) if start >= 0 else place


def _check_columns(tree: Tree) -> None:
    """What is predicted, what names rows, and what periods are called must not leak into the inputs."""
    features = tree.texts("data", "features")
    roles = {role: tree.text("data", role) for role in ("target", "identity", "period")}
    for path, feature in features.items():
        for role, column in roles.items():
            if feature == column:
                place = tree.place(path)
                tree.mistake(place, f"the feature {feature!r} is the {role}", f"features without {feature!r}")
    for earlier, later in (("target", "identity"), ("target", "period"), ("identity", "period")):
        if roles[later] is not None and roles[earlier] == roles[later]:
            place = tree.place(("data", later))
            tree.mistake(place, f"{roles[later]!r} is both {earlier} and {later}", f"another column as {later}")


def _check_lists(tree: Tree) -> None:
    features = set(tree.texts("data", "features").values())
    for name in ("features", "categories", "slices", "baselines"):
        seen: set[str] = set()
        for path, column in tree.texts("data", name).items():
            if column in seen:
                tree.mistake(tree.place(path), f"{column!r} stands twice in data.{name}", "each column once")
            elif name == "categories" and features and column not in features:
                tree.mistake(tree.place(path), f"the category {column!r} is not a feature", "one of data.features")
            elif name == "slices" and column == tree.text("data", "target"):
                tree.mistake(tree.place(path), f"the slice {column!r} is the target", "a column that groups rows")
            seen.add(column)


def _check_balance(tree: Tree) -> None:
    low, high = (tree.get("data", "checks", "label_balance", index) for index in (0, 1))
    if isinstance(low, int | float) and isinstance(high, int | float) and not 0 <= low < high <= 1:
        place = tree.place(("data", "checks", "label_balance"))
        tree.mistake(place, f"data.checks.label_balance is [{low}, {high}]", "two shares, the smaller one first")


def _check_gap(tree: Tree) -> None:
    """Identities that are cut by a hash have no before and after."""
    if tree.get("data", "gap") and tree.get("data", "split") != "time":
        place = tree.place(("data", "gap"))
        tree.mistake(place, "data.gap without a split by time", "`split: time` beside it, or no gap")


def _check_costs(tree: Tree) -> None:
    """A snapshot keeps the features, so that the amount at stake in each row must be one of them."""
    if tree.text("validation", "primary") == "cost" and tree.get("validation", "costs") is None:
        place = tree.place(("validation", "primary"))
        expected = "`costs:` with false_positive and false_negative"
        tree.mistake(place, "the primary metric 'cost' without costs", expected)
    column = tree.text("validation", "costs", "false_negative")
    features = set(tree.texts("data", "features").values())
    if column is not None and features and column not in features:
        place = tree.place(("validation", "costs", "false_negative"))
        tree.mistake(place, f"the cost {column!r} is not a feature", "one of data.features, or an amount")


def _check_replicas(tree: Tree) -> None:
    least, most = (tree.get("deployment", name) for name in ("replicas", "max_replicas"))
    least = 1 if least is None else least
    if isinstance(least, int) and isinstance(most, int) and most < least:
        place = tree.place(("deployment", "max_replicas"))
        tree.mistake(place, f"deployment.max_replicas is {most}, below replicas ({least})", f"{least} or more, or none")


def _check_regression(tree: Tree) -> None:
    """What judges, serves and watches a model takes it for a classifier's."""
    regression = tree.get("data", "task") == "regression"
    if regression and tree.get("promotion", "register_model") is not False:
        place = tree.place(("data", "task"))
        expected = "`promotion: {register_model: false}` beside it, since only classifiers can be judged and served"
        tree.mistake(place, "a regression whose models would be registered", expected)
    baselines = tree.texts("data", "baselines")
    if baselines and not regression:
        place = tree.place(("data", "baselines"))
        tree.mistake(place, "data.baselines without a regression", "`task: regression` beside them, or none")
    for path, column in baselines.items():
        if column == tree.text("data", "target"):
            tree.mistake(tree.place(path), f"the baseline {column!r} is the target", "what a simple rule predicts")


def _check_allowed(tree: Tree) -> None:
    """What may be asked for is said of parameters that there are, and allows the workflow's own."""
    parameters, allowed = tree.get("training", "parameters"), tree.get("training", "allowed")
    if not isinstance(allowed, dict):
        return
    own = parameters if isinstance(parameters, dict) else {}
    for name, values in allowed.items():
        path = ("training", "allowed", name)
        if name not in own:
            expected = f"one of training.parameters: {', '.join(map(str, own)) or 'there are none'}"
            tree.mistake(tree.key_place(path), f"{name!r} is not a parameter", expected)
        elif not _allows(values, own[name]):
            place = tree.place(("training", "parameters", name))
            tree.mistake(place, f"{name} is {own[name]!r}, which training.allowed forbids", "a value that is allowed")


def _allows(values: Plain, value: Plain) -> bool:
    match values:
        case list():
            return value in values
        case {"least": int() | float() as least, "most": int() | float() as most}:
            return isinstance(value, int | float) and least <= value <= most
        case _:
            return True  # its type is wrong, which is said already


_RULES: tuple[Callable[[Tree], None], ...] = (
    _check_schedule,
    _check_columns,
    _check_lists,
    _check_balance,
    _check_gap,
    _check_costs,
    _check_regression,
    _check_allowed,
    _check_replicas,
)
