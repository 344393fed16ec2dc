"""The whole way of a model by the client: trained under autolog, logged, registered, named by an alias, loaded."""

import mlflow
import numpy as np
import pandas as pd
import pytest
import xgboost
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature

CLIENT_3 = int(mlflow.__version__.partition(".")[0]) >= 3
ROWS = pd.DataFrame(np.random.default_rng(7).normal(size=(60, 3)), columns=["a", "b", "c"])
TARGET = (ROWS["a"] + ROWS["b"] > 0).astype(int)


def trained() -> xgboost.XGBClassifier:
    return xgboost.XGBClassifier(n_estimators=3, max_depth=2, seed=7).fit(ROWS, TARGET)


def log_model(model: xgboost.XGBClassifier, **options: object) -> "mlflow.models.model.ModelInfo":
    """The two clients name the folder of a model by different words."""
    place = {"name": "model"} if CLIENT_3 else {"artifact_path": "model"}
    signature = infer_signature(ROWS, TARGET)
    return mlflow.xgboost.log_model(model, **place, signature=signature, pip_requirements=["xgboost"], **options)


@pytest.mark.usefixtures("experiment")
def test_autolog_of_xgboost_logs_params_metrics_and_the_model(client: MlflowClient) -> None:
    mlflow.xgboost.autolog(log_input_examples=False)
    try:
        with mlflow.start_run() as run:
            data = xgboost.DMatrix(ROWS, TARGET)
            xgboost.train({"max_depth": 3, "eta": 0.5, "objective": "binary:logistic"}, data, 5, [(data, "train")])
    finally:
        mlflow.xgboost.autolog(disable=True)
    found = client.get_run(run.info.run_id)
    assert found.data.params["max_depth"] == "3"
    assert found.data.params["num_boost_round"] == "5"
    assert "train-logloss" in found.data.metrics
    assert [point.step for point in client.get_metric_history(run.info.run_id, "train-logloss")] == [0, 1, 2, 3, 4]
    assert "feature_importance_weight.json" in {entry.path for entry in client.list_artifacts(run.info.run_id)}
    booster = mlflow.xgboost.load_model(f"runs:/{run.info.run_id}/model")
    assert booster.num_boosted_rounds() == 5


@pytest.mark.usefixtures("experiment")
def test_a_model_that_is_registered_is_loaded_by_version_and_by_alias(client: MlflowClient, unique: str) -> None:
    model, name = trained(), f"weather {unique}"
    with mlflow.start_run() as run:
        log_model(model, registered_model_name=name)
    version = client.get_model_version(name, "1")
    assert version.run_id == run.info.run_id
    assert version.status == "READY"

    mlflow.register_model(f"runs:/{run.info.run_id}/model", name, tags={"second": "yes"})
    client.set_registered_model_alias(name, "champion", "2")
    assert client.get_model_version_by_alias(name, "champion").tags["second"] == "yes"
    for address in (f"models:/{name}/1", f"models:/{name}/2", f"models:/{name}@champion", f"models:/{name}/latest"):
        loaded = mlflow.pyfunc.load_model(address)
        assert list(loaded.predict(ROWS)) == list(model.predict(ROWS))
    with pytest.raises(MlflowException):
        mlflow.pyfunc.load_model(f"models:/{name}@nobody")


@pytest.mark.usefixtures("experiment")
def test_a_stage_names_a_model_too(client: MlflowClient, unique: str) -> None:
    name = f"staged {unique}"
    with mlflow.start_run():
        log_model(trained(), registered_model_name=name)
    client.transition_model_version_stage(name, "1", "Production")
    assert list(mlflow.pyfunc.load_model(f"models:/{name}/Production").predict(ROWS)) == list(trained().predict(ROWS))


@pytest.mark.usefixtures("experiment")
def test_the_history_of_logged_models_is_a_tag_or_an_output_of_the_run(client: MlflowClient) -> None:
    with mlflow.start_run() as run:
        info = log_model(trained())
    found = client.get_run(run.info.run_id)
    if CLIENT_3:
        (output,) = found.outputs.model_outputs
        assert output.model_id == info.model_id
        logged = client.get_logged_model(info.model_id)
        assert (str(logged.status), logged.source_run_id) == ("READY", run.info.run_id)
    else:
        assert '"artifact_path": "model"' in found.data.tags["mlflow.log-model.history"]
    loaded = mlflow.xgboost.load_model(info.model_uri)
    assert list(loaded.predict(ROWS)) == list(trained().predict(ROWS))


@pytest.mark.client_3
def test_a_model_that_is_evaluated_keeps_its_metrics_and_params(client: MlflowClient, experiment: str) -> None:
    model = mlflow.initialize_logged_model(name="m", params={"depth": "3"}, experiment_id=experiment)
    with mlflow.start_run() as run:
        mlflow.log_metric("auc", 0.9, model_id=model.model_id, step=2)
    mlflow.finalize_logged_model(model.model_id, "READY")
    found = client.get_logged_model(model.model_id)
    (metric,) = found.metrics
    assert (metric.key, metric.value, metric.step, metric.run_id) == ("auc", 0.9, 2, run.info.run_id)
    assert found.params == {"depth": "3"}
