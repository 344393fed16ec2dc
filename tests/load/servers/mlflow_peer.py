"""`python mlflow_peer.py <folder>`: the model of MODEL as MLflow keeps it, for `mlflow models serve`."""

import os
import sys

import mlflow.xgboost
import xgboost

mlflow.xgboost.save_model(xgboost.Booster(model_file=os.environ["MODEL"]), sys.argv[1])
