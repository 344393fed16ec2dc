"""The deployer: makes what really serves match what was promoted, and says so.

Errors
------
RolloutFailed        a version cannot be made to serve; carries the cause that `deployment.failed` names
├── (cause artifact_corrupt | did_not_start | probe_mismatch | route_not_applied | superseded)
RouteNotApplied      the front door does not (yet) route as it was told
"""
