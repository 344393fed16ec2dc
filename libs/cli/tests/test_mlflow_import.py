"""`murmur import mlflow` between two flocks in this process: both speak MLflow's protocol."""

from mlflow_contents import filled, seen, without_marks
from mlflow_worlds import World, imported

from murmur_cli.mlflow_import.tally import Kind


async def test_all_of_it_is_here_as_it_is_there(worlds: tuple[World, World]) -> None:
    there, here = worlds
    await filled(there)
    tally = await imported(there, here)
    assert tally.left == []
    assert without_marks(await seen(here)) == without_marks(await seen(there))
    assert tally.taken[Kind.RUN] == 5
