"""The files of a workflow are read as a compiler reads: every mistake at once, each where it stands."""

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from murmur_events.workflows import workflow_file_schema
from murmur_trainer.workflow_file import Mistake, WorkflowFileInvalid, pack, read_workflow, unpack

GOOD = """\
name: credit
schedule: 0 0 1 1,4,7,10 *
data:
  target: default
  features: [limit, age]
  categories: [age]
  identity: id
  period: quarter
training:
  parameters: {eta: 0.1, max_depth: 3}
"""
CODE = {
    "data.py": "def load(as_of, context):\n    return None\n",
    "train.py": "def train(context):\n    return None\n",
}


def mistakes_of(definition: str, files: dict[str, str] | None = None) -> tuple[Mistake, ...]:
    with pytest.raises(WorkflowFileInvalid) as raised:
        read_workflow("credit", definition, CODE if files is None else files)
    return raised.value.mistakes


def the_mistake(definition: str, files: dict[str, str] | None = None) -> Mistake:
    (mistake,) = mistakes_of(definition, files)
    return mistake


def test_a_good_file_gives_its_definition() -> None:
    definition = read_workflow("credit", GOOD, CODE)
    assert definition.data.features == ("limit", "age")
    assert definition.training.parameters == {"eta": 0.1, "max_depth": 3}


def test_all_mistakes_are_told_at_once_each_where_it_stands() -> None:
    text = """\
name: Credit
schedule: 0 61 1 1,4,7,10 *
data:
  target: default
  features: [limit, age, default, 3]
  categories: [colour]
  fetures: []
  period: quarter
  holdout: 1.5
training:
  entry: trian.py
  parameters: {eta: [1]}
  limits:
    time: 10x
monitoring:
  drift: {engin: scipy}
"""
    files = {"data.py": CODE["data.py"], "train.py": "def train(context:\n    pass\n"}
    found = {(m.file, m.line, m.column, m.message) for m in mistakes_of(text, files)}
    assert found == {
        ("workflow.yaml", 1, 7, "name is 'Credit'"),
        ("workflow.yaml", 1, 7, "the file names 'Credit' but is applied as 'credit'"),
        ("workflow.yaml", 2, 13, "schedule: '61' is no hour"),
        ("workflow.yaml", 3, 1, "'data' lacks 'identity'"),
        ("workflow.yaml", 5, 26, "the feature 'default' is the target"),
        ("workflow.yaml", 5, 35, "data.features[3] is 3"),
        ("workflow.yaml", 6, 16, "the category 'colour' is not a feature"),
        ("workflow.yaml", 7, 3, "'fetures' is not a setting of 'data'"),
        ("workflow.yaml", 9, 12, "data.holdout is 1.5"),
        ("workflow.yaml", 11, 10, "training.entry: there is no file 'trian.py'"),
        ("workflow.yaml", 12, 21, "training.parameters.eta is a list"),
        ("workflow.yaml", 14, 11, "training.limits.time: '10x' is not a duration"),
        ("workflow.yaml", 16, 11, "'engin' is not a setting of 'monitoring.drift'"),
        ("train.py", 1, 10, "this is not Python: '(' was never closed"),
    }


def test_a_mistake_reads_like_a_compilers() -> None:
    mistake = the_mistake(GOOD.replace("  target:", "  targett: x\n  target:"))
    assert str(mistake) == (
        "workflow.yaml:4:3: 'targett' is not a setting of 'data'\n"
        "      targett: x\n"
        "      ^\n"
        "  expected: did you mean 'target'?"
    )


def test_an_unknown_setting_unlike_any_other_lists_what_there_is() -> None:
    assert the_mistake(GOOD + "promotion: {xyz: 1}\n").expected == "one of review, register_model"


@pytest.mark.parametrize(
    ("text", "line", "column", "said"),
    [
        ("a: 1\n b: 2\n", 2, 3, "mapping values are not allowed here"),
        ("name: credit\nschedule: */5 * * * *\n", 2, 11, "alias"),
        ("a:\n\tb: 1\n", 2, 1, "'\\t'"),
        ("a: 'never closed\n", 1, 17, "unexpected end"),
        ("a: x\x07\n", 1, 5, "U+0007"),
        ("", 1, 1, "empty"),
        ("- a\n", 1, 1, "not a workflow"),
        ("a: &it 1\nb: *it\n", 2, 4, "'*it' is an alias"),
        ("[" * 50, 1, 21, "nested too deeply"),
        ("--- {a: 1}\n--- {b: 2}\n", 2, 1, "another document"),
    ],
)
def test_text_that_is_no_yaml_is_told_where(text: str, line: int, column: int, said: str) -> None:
    mistake = the_mistake(text)
    assert (mistake.file, mistake.line, mistake.column) == ("workflow.yaml", line, column)
    assert said in mistake.message
    assert mistake.expected


def test_broken_yaml_does_not_hide_broken_code() -> None:
    found = mistakes_of("a: [", {"train.py": "def (:\n", "data.py": CODE["data.py"]})
    assert [mistake.file for mistake in found] == ["workflow.yaml", "train.py"]


def test_a_setting_that_stands_twice_is_refused() -> None:
    mistake = the_mistake(GOOD + "name: credit\n")
    assert (mistake.line, mistake.column) == (11, 1)
    assert mistake.message == "'name' stands twice: first in line 1"


@pytest.mark.parametrize(
    ("before", "after", "line", "column", "said"),
    [
        ("[limit, age]", "[limit, age, id]", 5, 26, "the feature 'id' is the identity"),
        ("[limit, age]", "[limit, age, quarter]", 5, 26, "the feature 'quarter' is the period"),
        ("[limit, age]", "[limit, age, limit]", 5, 26, "'limit' stands twice in data.features"),
        ("[limit, age]", "[]", 5, 13, "data.features is an empty list"),
        ("period: quarter", "period: id", 8, 11, "'id' is both identity and period"),
        ("period: quarter", "period: quarter\n  slices: [default]", 9, 12, "the slice 'default' is the target"),
        ("period: quarter", "period: 2005-10-01", 8, 11, "data.period is 2005-10-01"),
        (
            "period: quarter",
            "period: quarter\n  checks: {label_balance: [0.9, 0.1]}",
            9,
            27,
            "data.checks.label_balance",
        ),
        ("period: quarter", "period: quarter\n  gap: 2", 9, 8, "data.gap without a split by time"),
        ("period: quarter", "period: quarter\n  split: date", 9, 10, "data.split is 'date'"),
        ("training:", "validation: {primary: cost}\ntraining:", 9, 23, "the primary metric 'cost' without costs"),
        (
            "training:",
            "validation: {costs: {false_positive: 5, false_negative: amount}}\ntraining:",
            9,
            57,
            "the cost 'amount' is not a feature",
        ),
        (
            "training:",
            "validation: {costs: {false_positive: 5, false_negative: -1}}\ntraining:",
            9,
            57,
            "-1.0 is no cost",
        ),
        (
            "training:",
            "deployment: {replicas: 3, max_replicas: 2}\ntraining:",
            9,
            41,
            "max_replicas is 2, below replicas (3)",
        ),
        ("0 0 1 1,4,7,10 *", "0 0 1", 2, 11, "is not a cron expression"),
        ("0 0 1 1,4,7,10 *", "'0 0 31 2 *'", 2, 16, "'31' is no day-of-month"),
        ("eta: 0.1", "eta: .nan", 10, 21, "'.nan' is not a finite number"),
        ("training:", "training:\n  limits: {time: 0s}", 10, 18, "training.limits.time is '0s'"),
        ("training:", "training:\n  limits: {memory: -5}", 10, 20, "training.limits.memory is -5"),
        ("training:", "training:\n  limits: {time: 99999999999d}", 10, 18, "'99999999999d' is too long"),
        ("training:", "promotion: yes\ntraining:", 9, 12, "promotion is True"),
        ("name: credit", "name: debit", 1, 7, "is applied as 'credit'"),
    ],
)
def test_a_broken_rule_is_told_where(before: str, after: str, line: int, column: int, said: str) -> None:
    text = GOOD.replace(before, after).replace("categories: [age]", "categories: []")
    found = mistakes_of(text)
    assert [(m.line, m.column) for m in found] == [(line, column)]
    assert said in found[0].message
    assert found[0].text == text.splitlines()[line - 1]


def test_a_workflow_may_not_take_the_name_of_a_page() -> None:
    with pytest.raises(WorkflowFileInvalid) as raised:
        read_workflow("schema", GOOD.replace("credit", "schema"), CODE)
    assert raised.value.mistakes[0].message == "'schema' is a reserved name"


@pytest.mark.parametrize(
    ("code", "line", "message"),
    [
        ("x = 1\n", 1, "train.py does not define 'train'"),
        ("\n\ndef train():\n    pass\n", 3, "'train' cannot be called as train(context)"),
        ("def train(context, *, more):\n    pass\n", 1, "'train' cannot be called as train(context)"),
        ("async def train(context):\n    pass\n", 1, "'train' is not a plain function"),
        ("def train(context):\n  x = (\n", 2, "this is not Python: '(' was never closed"),
        ("x = '\0'\n", 1, "this is not Python: source code string cannot contain null bytes"),
    ],
)
def test_an_entry_that_cannot_be_called_is_told_where(code: str, line: int, message: str) -> None:
    mistake = the_mistake(GOOD, {**CODE, "train.py": code})
    assert (mistake.file, mistake.line, mistake.message) == ("train.py", line, message)


@pytest.mark.parametrize(
    "code",
    [
        "from recipe import train\n",
        "def train(context, verbose=False):\n    pass\n",
        "def train(*anything):\n    pass\n",
        "make = lambda context: None\ntrain = make\n",
    ],
)
def test_an_entry_may_come_from_anywhere(code: str) -> None:
    assert read_workflow("credit", GOOD, {**CODE, "train.py": code, "recipe.py": CODE["train.py"]}).name == "credit"


@pytest.mark.parametrize("name", ["../out.py", "/etc/passwd", "a//b", "a\\b", "", "a/../b", "./a", "x" * 151, "a\nb"])
def test_a_file_outside_the_folder_is_refused(name: str) -> None:
    assert "is not a usable file name" in the_mistake(GOOD, {**CODE, name: ""}).message


def test_a_name_cannot_be_a_file_and_a_folder() -> None:
    assert the_mistake(GOOD, {**CODE, "lib": "", "lib/a.txt": ""}).message == "'lib' is a file and a folder"


def test_too_much_code_is_refused() -> None:
    assert "200 files" in the_mistake(GOOD, {**CODE, **{f"f{n}": "" for n in range(200)}}).expected
    assert "4,000,000 characters" in the_mistake(GOOD, {**CODE, "big.txt": "x" * 4_000_001}).expected


def test_a_very_wrong_file_tells_a_hundred_mistakes_and_cuts_long_lines() -> None:
    found = mistakes_of(GOOD.replace("[limit, age]", f"[{', '.join('3' for _ in range(500))}]"))
    assert len(found) == 100
    assert max(len(mistake.text) for mistake in found) == 200


@given(st.text(max_size=80) | st.text(alphabet="ab:-[]{}&*!|>'\"\n\t #?,%@.0", max_size=60))
def test_whatever_is_written_there_the_answer_is_mistakes(text: str) -> None:
    assert mistakes_of(text)


def test_a_bundle_depends_on_names_and_contents_alone(tmp_path) -> None:  # type: ignore[no-untyped-def]
    files = {"train.py": "x = 1\n", "lib/a.py": "é\n"}
    bundle = pack(files)
    assert bundle == pack(dict(reversed(files.items())))
    assert bundle != pack({**files, "train.py": "x = 2\n"})
    assert zipfile.ZipFile(io.BytesIO(bundle)).namelist() == ["lib/a.py", "train.py"]
    unpack(bundle, tmp_path)
    assert (tmp_path / "lib/a.py").read_text() == "é\n"


def test_the_schema_refuses_unknown_settings_everywhere() -> None:
    schema = workflow_file_schema()
    assert schema["additionalProperties"] is False
    assert all(part.get("additionalProperties") is not None for part in schema["$defs"].values())
    assert schema["properties"]["data"] == {"$ref": "#/$defs/DataSection"}


REGRESSION = """\
name: credit
data: {task: regression, target: change, features: [limit], identity: id, period: quarter, baselines: [naive]}
promotion: {register_model: false}
training: {parameters: {eta: 0.1, data: seattle}, allowed: {eta: {least: 0, most: 1}, data: [seattle, co2]}}
"""


def test_a_regression_that_is_research_is_a_good_file() -> None:
    definition = read_workflow("credit", REGRESSION, CODE)
    assert definition.data.baselines == ("naive",)
    assert definition.training.allowed["data"] == ("seattle", "co2")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("{register_model: false}", "{review: none}"), "a regression whose models would be registered"),
        (("task: regression, ", ""), "data.baselines without a regression"),
        (("baselines: [naive]", "baselines: [change]"), "the baseline 'change' is the target"),
        (("baselines: [naive]", "baselines: [naive, naive]"), "'naive' stands twice in data.baselines"),
        (("allowed: {eta", "allowed: {etta"), "'etta' is not a parameter"),
        (("eta: 0.1", "eta: 2"), "eta is 2, which training.allowed forbids"),
        (("data: seattle", "data: mars"), "data is 'mars', which training.allowed forbids"),
    ],
)
def test_rules_of_research_are_told_at_their_place(change: tuple[str, str], told: str) -> None:
    text = REGRESSION.replace(*change)
    assert text != REGRESSION
    assert the_mistake(text).message == told
