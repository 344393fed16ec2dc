"""python fill.py <uri>: what a team leaves on an MLflow server, logged by the client of this environment."""

import sys

import mlflow
import numpy as np
import pandas as pd
import xgboost
from mlflow import MlflowClient

CLIENT_3 = int(mlflow.__version__.partition(".")[0]) >= 3
ROWS = pd.DataFrame(np.random.default_rng(7).normal(size=(60, 3)), columns=["a", "b", "c"])
TARGET = (ROWS["a"] + ROWS["b"] > 0).astype(int)


def fill(uri: str) -> None:
    mlflow.set_tracking_uri(uri)
    client = MlflowClient(uri)
    churn = mlflow.set_experiment("churn").experiment_id
    client.set_experiment_tag(churn, "team", "risk")
    data = xgboost.DMatrix(ROWS, TARGET)
    mlflow.xgboost.autolog(log_input_examples=False)
    with mlflow.start_run(run_name="parent"):
        xgboost.train({"max_depth": 2, "objective": "binary:logistic"}, data, 5, [(data, "train")])
        for step, value in enumerate((0.5, float("nan"), float("inf"), float("-inf"), -1.5)):
            mlflow.log_metric("odd", value, step=step)
        mlflow.log_text("hello\n", "notes/a b/ü.txt")
        mlflow.log_input(mlflow.data.from_pandas(ROWS, source="/rows.csv", name="rows"), context="training")
        with mlflow.start_run(run_name="child", nested=True):
            mlflow.log_metric("m", 1.0)
    mlflow.xgboost.autolog(disable=True)
    client.log_metric(client.create_run(churn, run_name="open").info.run_id, "m", 2.0)
    client.delete_run(client.create_run(churn, run_name="deleted").info.run_id)
    client.set_terminated(client.create_run(churn, run_name="killed").info.run_id, "KILLED")
    old = client.create_experiment("old")
    client.log_param(client.create_run(old, run_name="buried").info.run_id, "p", "1")
    client.delete_experiment(old)
    registered(client)


def registered(client: MlflowClient) -> None:
    """Numbers 1 and 3, an alias, a stage, and a copy in another model."""
    with mlflow.start_run(run_name="model"):
        place = {"name": "model"} if CLIENT_3 else {"artifact_path": "model"}
        model = xgboost.XGBClassifier(n_estimators=3, seed=7).fit(ROWS, TARGET)
        uri = mlflow.xgboost.log_model(model, **place, pip_requirements=["xgboost"]).model_uri
    for _ in range(3):
        mlflow.register_model(uri, "churn")
    client.delete_model_version("churn", "2")
    client.update_registered_model("churn", "who leaves")
    client.set_registered_model_alias("churn", "champion", "1")
    client.set_model_version_tag("churn", "1", "checked", "yes")
    client.transition_model_version_stage("churn", "3", "Production")
    client.copy_model_version("models:/churn/1", "copy")


if __name__ == "__main__":
    fill(sys.argv[1])
