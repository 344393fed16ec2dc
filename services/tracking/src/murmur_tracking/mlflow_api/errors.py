"""What tracking's door refuses besides what every door of MLflow's protocol does."""

from murmur_mlflow.errors import Errors
from murmur_mlflow.refusals import BadValue
from murmur_search import SearchRefused

ERRORS = Errors([(SearchRefused, BadValue.code, BadValue.status)])

MlflowRoute = ERRORS.route()
"""For `APIRouter(route_class=MlflowRoute)`."""
