"""A hand-written server: `uvicorn fastapi_peer:app` in MODEL's folder. Imports nothing of Murmuration."""

import os

import numpy as np
import xgboost
from fastapi import FastAPI
from pydantic import BaseModel

booster = xgboost.Booster(params={"nthread": 1}, model_file=os.environ["MODEL"])
app = FastAPI()


class Rows(BaseModel):
    rows: list[list[float]]


@app.post("/predict")
async def predict(asked: Rows) -> dict[str, list[float]]:
    outputs = booster.inplace_predict(np.array(asked.rows), validate_features=False)
    return {"outputs": outputs.tolist()}
