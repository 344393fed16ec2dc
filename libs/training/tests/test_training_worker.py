"""A workflow's code in -> a result out: what each way to fail is called, and what its author is told."""

import json
import sys

import pytest

from murmur_events.workflows import Costs
from murmur_training.messages import Message, Metric, Phase, Progress
from murmur_training.spec import MODEL, Failed, Trained, WorkerResult, WorkerSpec
from murmur_training.worker import attempt

pytestmark = pytest.mark.usefixtures("import_state")


def carried_out(spec: WorkerSpec) -> tuple[WorkerResult, list[Message]]:
    said: list[Message] = []
    return attempt(spec, said.append), said


def failed(spec: WorkerSpec) -> Failed:
    result, _ = carried_out(spec)
    assert isinstance(result, Failed)
    assert not (spec.work / MODEL).exists()
    return result


def loading(change: str) -> str:
    """A data.py whose frame is changed before it is returned."""
    return f"""
    import numpy as np
    import pandas as pd

    def load(as_of, context):
        n = 400
        frame = pd.DataFrame({{
            "customer": range(n), "quarter": "2005Q3", "amount": np.arange(n) * 1.5, "age": 30, "branch": 1,
            "sex": "f", "late": [0, 1] * (n // 2),
        }})
        {change}
        return frame
    """


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("frame = frame.drop(columns='age')", "missing columns 'age'"),
        ("frame = frame.iloc[:0]", "no rows"),
        ("frame = None", "load() returned 'NoneType'"),
        ("frame = frame.iloc[:20]", "20 rows are fewer than data.checks.min_rows of 50"),
        ("frame['late'] = frame['late'].where(frame['customer'] > 3)", "target 'late' has no value in 4 of 400 rows"),
        ("frame = pd.concat([frame, frame])", "50.0% of rows repeat"),
        ("frame['late'] = (frame['customer'] < 4).astype(int)", "target 'late' is 1 in 1.00% of rows"),
        ("frame['amount'] = 'much'", "feature 'amount' is not numeric, it holds 'much'"),
        ("frame['amount'] = frame['amount'].where(frame['customer'] > 99)", "feature 'amount' is missing in 25.0%"),
    ],
)
def test_data_that_breaks_a_rule_is_rejected_with_the_rule(workflow, change: str, told: str) -> None:
    result = failed(workflow(data=loading(change)))
    assert result.cause == "data_rejected"
    assert told in result.message


@pytest.mark.parametrize(
    ("amount", "told"),
    [
        ("frame['amount'].where(frame['customer'] != 7)", "feature 'amount' is missing or below 0 in 1 of 400 rows"),
        ("frame['amount'] - 1", "feature 'amount' is missing or below 0 in 1 of 400 rows"),
        ("'much'", "feature 'amount' is not numeric"),
    ],
)
def test_a_row_without_the_amount_that_costs_ask_for_is_rejected_before_training(
    workflow, amount: str, told: str
) -> None:
    costs = Costs(false_positive=1, false_negative="amount")
    result = failed(workflow(data=loading(f"frame['amount'] = {amount}"), costs=costs))
    assert result.cause == "data_rejected"
    assert told in result.message
    assert len(result.message.splitlines()) == 1


def test_amounts_matter_where_costs_name_their_column_only(workflow) -> None:
    one_row_lacks_it = loading("frame['amount'] = frame['amount'].where(frame['customer'] != 7)")
    for name, costs in (("none", None), ("one-amount", Costs(false_positive=1, false_negative=5))):
        result, _ = carried_out(workflow(name=name, data=one_row_lacks_it, costs=costs))
        assert isinstance(result, Trained), result


def test_costs_that_name_no_feature_are_rejected(workflow) -> None:
    result = failed(workflow(costs=Costs(false_positive=1, false_negative="prize")))
    assert result.cause == "data_rejected"
    assert "name the column 'prize', which is no feature" in result.message


def test_an_error_in_the_recipe_points_at_its_line(workflow) -> None:
    result = failed(workflow(train="def train(context):\n    rate = 0\n    return 1 / rate\n"))
    assert result.cause == "code_raised"
    assert result.message.startswith("train.py, line 3, in train: ZeroDivisionError: division by zero")
    assert "return 1 / rate" in result.message


def test_an_error_inside_a_library_points_at_the_last_line_of_ones_own(workflow) -> None:
    spec = workflow(data="import helper\n\ndef load(as_of, context):\n    return helper.fetch()\n", helper=HELPER)
    result = failed(spec)
    assert result.message.startswith("helper.py, line 5, in fetch: JSONDecodeError")
    assert "data.py:4 in load" in result.message
    assert "json/decoder.py" not in result.message


HELPER = """\
import json


def fetch():
    return json.loads("no json")
"""


@pytest.mark.parametrize(
    ("train", "told"),
    [
        ("def train(context)\n    pass\n", "train.py, line 1, column 19: SyntaxError: expected ':'"),
        ("import no_such_package\n", "train.py, line 1, in <module>: ModuleNotFoundError"),
        ("def fit(context):\n    pass\n", "train.py defines no function 'train'"),
        (
            "import sys\n\ndef train(context):\n    sys.exit('enough')\n",
            "train.py, line 4, in train: SystemExit: enough",
        ),
        ("def train(context):\n    context.log_metric('auc', float('nan'))\n", "metric 'auc' at step 0 is nan"),
    ],
)
def test_code_that_cannot_run_says_where(workflow, train: str, told: str) -> None:
    result = failed(workflow(train=train))
    assert result.cause == "code_raised"
    assert told in result.message


def test_a_file_that_is_not_there_is_named(workflow) -> None:
    spec = workflow()
    (spec.code / "train.py").unlink()
    assert "train.py does not exist beside workflow.yaml" in failed(spec).message


def test_an_allocation_that_fails_is_out_of_memory(workflow) -> None:
    result = failed(workflow(train="def train(context):\n    raise MemoryError('12 TiB')\n"))
    assert result.cause == "out_of_memory"


FITTING = """
import numpy as np
import xgboost

def fit(objective="binary:logistic", columns=slice(None), **settings):
    def train(context):
        X = context.train.X.iloc[:, columns]
        label = context.train.y
        return xgboost.train(dict(objective=objective, **settings), xgboost.DMatrix(X, label=label), 5)
    return train

"""


@pytest.mark.parametrize(
    ("train", "told"),
    [
        ("def train(context):\n    return {'weights': [1, 2]}\n", "train() returned 'dict'"),
        ("def train(context):\n    pass\n", "train() returned 'NoneType'"),
        (FITTING + "train = fit('reg:squarederror', base_score=5.0)\n", "not one probability for each"),
        (FITTING + "train = fit('binary:logitraw')\n", "objective='binary:logistic'"),
        (FITTING + "train = fit('multi:softprob', num_class=2)\n", "not one probability for each"),
        (FITTING + "train = fit(columns=[0, 1])\n", "takes 2 columns, the workflow has 3 features"),
        (FITTING + "train = fit(columns=[2, 1, 0])\n", "not data.features in their order"),
    ],
)
def test_a_model_that_cannot_be_served_is_invalid_output(workflow, train: str, told: str) -> None:
    result, _ = carried_out(workflow(train=train))
    assert isinstance(result, Failed)
    assert result.cause == "output_invalid"
    assert told in result.message


def test_a_model_that_stopped_early_is_saved_at_its_best_round(workflow) -> None:
    spec = workflow(
        train="""
        import json
        import xgboost

        def train(context):
            fit, check = context.train.split(0.3)
            model = xgboost.train(
                {"objective": "binary:logistic", "eta": 1.0, "max_depth": 8}, fit.matrix(), 200,
                evals=[(check.matrix(), "check")], early_stopping_rounds=3, verbose_eval=False,
            )
            context.log_metric("best", model.best_iteration + 1)
            return model
        """
    )
    result, _ = carried_out(spec)
    assert isinstance(result, Trained)

    import xgboost

    assert xgboost.Booster(model_file=spec.work / MODEL).num_boosted_rounds() == result.metrics["best"]


def test_a_classifier_of_the_scikit_learn_kind_is_saved_too(workflow) -> None:
    spec = workflow(
        train="""
        import xgboost

        def train(context):
            return xgboost.XGBClassifier(n_estimators=5).fit(context.train.X, context.train.y)
        """
    )
    assert isinstance(carried_out(spec)[0], Trained)


def test_what_happens_is_told_in_order_and_progress_only_grows(workflow) -> None:
    result, said = carried_out(workflow())

    assert isinstance(result, Trained)
    assert [message.name for message in said if isinstance(message, Phase)] == ["data", "snapshot", "train", "save"]
    shares = [message.fraction for message in said if isinstance(message, Progress)]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert [message.step for message in said if isinstance(message, Metric)] == [5, 10, 15, 20]


def test_a_run_has_the_recipes_last_metrics_and_the_workers_own(workflow) -> None:
    result, said = carried_out(workflow())

    assert isinstance(result, Trained)
    last = [message.value for message in said if isinstance(message, Metric)][-1]
    assert result.metrics["auc"] == last
    assert 0.5 < result.metrics["train_auc"] <= 1
    assert result.metrics["train_rows"] + result.metrics["holdout_rows"] == 400


def test_the_signature_says_what_each_column_holds(workflow) -> None:
    result, _ = carried_out(workflow())

    assert isinstance(result, Trained)
    kinds = {column.name: column.dtype for column in result.signature.inputs}
    assert kinds == {"amount": "float", "age": "integer", "branch": "category"}
    assert result.signature.inputs[2].categories == (0.0, 1.0, 2.0)


def test_the_probe_is_an_inference_request_of_separate_columns(workflow) -> None:
    spec = workflow()
    carried_out(spec)
    probe = json.loads((spec.work / "probe.json").read_text())

    assert [tensor["name"] for tensor in probe["request"]["inputs"]] == ["amount", "age", "branch"]
    assert all(tensor["shape"] == [16, 1] and tensor["datatype"] == "FP64" for tensor in probe["request"]["inputs"])
    assert len(probe["outputs"]) == 16
    assert len(set(probe["outputs"])) > 1


GAPS = """frame["branch"] = frame["customer"] % 3 + 1.0
        frame.loc[frame["customer"] % {every} == {first}, "branch"] = np.nan
        frame.loc[frame["customer"] % {every} != {first}, "amount"] = {amount}"""


@pytest.mark.parametrize(
    "gaps",
    [
        GAPS.format(every=11, first=5, amount='frame["amount"]'),  # one row in eleven has no branch
        GAPS.format(every=2, first=1, amount="np.nan"),  # every row lacks something
    ],
)
def test_the_probe_asks_about_values_that_a_server_takes(workflow, gaps: str) -> None:
    spec = workflow(data=loading(gaps))
    missing_allowed = spec.data.checks.model_copy(update={"max_missing": 0.6})
    spec = spec.model_copy(update={"data": spec.data.model_copy(update={"checks": missing_allowed})})
    result, _ = carried_out(spec)
    assert isinstance(result, Trained), result
    assert result.signature.inputs[2].categories == (1.0, 2.0, 3.0)
    probe = json.loads((spec.work / "probe.json").read_text())
    asked = {tensor["name"]: tensor["data"] for tensor in probe["request"]["inputs"]}
    assert set(asked["branch"]) <= {1.0, 2.0, 3.0}
    assert len(probe["outputs"]) == 16


def test_the_environment_names_every_distribution_with_its_version(workflow) -> None:
    spec = workflow()
    carried_out(spec)
    environment = json.loads((spec.work / "environment.json").read_text())

    assert environment["python"] == sys.version.split()[0]
    assert {"numpy", "murmur-training"} <= set(environment["distributions"])


CHOOSES = """
    import xgboost

    def train(context):
        fit, check = context.train.split(0.2)
        settings = {"objective": "binary:logistic", "seed": context.seed}
        model = xgboost.train(settings, fit.matrix(), 10)
        context.use_threshold(context.least_cost_threshold(check, model.predict(check.matrix())))
        return xgboost.train(settings, context.train.matrix(), 10)
"""


def threshold_of(spec: WorkerSpec) -> float | None:
    result, said = carried_out(spec)
    assert isinstance(result, Trained), result
    logged = [one.value for one in said if isinstance(one, Metric) and one.name == "threshold"]
    assert logged == ([] if result.threshold is None else [result.threshold])
    return result.threshold


def test_with_costs_a_version_has_a_threshold_that_follows_them(workflow) -> None:
    dear = threshold_of(workflow(costs=Costs(false_positive=20, false_negative=1)))
    cheap = threshold_of(workflow(name="cheap", costs=Costs(false_positive=1, false_negative=20)))
    assert dear is not None
    assert cheap is not None
    assert cheap < dear


def test_the_recipe_may_choose_the_threshold_on_rows_it_kept_back(workflow) -> None:
    costs = Costs(false_positive=1, false_negative=3)
    kept_back = threshold_of(workflow(train=CHOOSES, costs=costs))
    assert kept_back is not None
    assert kept_back != threshold_of(workflow(name="in-sample", costs=costs))


def test_without_costs_there_is_no_threshold(workflow) -> None:
    assert threshold_of(workflow()) is None


def test_a_recipe_that_asks_for_costs_that_nobody_gave_is_told_where_to_give_them(workflow) -> None:
    assert "add validation.costs to workflow.yaml" in failed(workflow(train=CHOOSES)).message
