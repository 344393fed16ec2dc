"""What is not there, in the words that MLflow's clients know. All kinds of refusal are in `murmur_mlflow.refusals`."""

from murmur_mlflow.refusals import NoSuchThing


def no_run(run_id: str) -> NoSuchThing:
    return NoSuchThing(f"Run with id={run_id} not found")


def no_model(model_id: str) -> NoSuchThing:
    return NoSuchThing(f"Logged model with ID '{model_id}' not found.")


def no_experiment(experiment: str) -> NoSuchThing:
    return NoSuchThing(f"No Experiment with id={experiment} exists")
