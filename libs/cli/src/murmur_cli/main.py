"""The command `murmur`: puts the groups of commands together."""

import typer

from murmur_cli import (
    audit_commands,
    backup_commands,
    batch_commands,
    compare_commands,
    events_commands,
    feedback_commands,
    flock_commands,
    freeze_commands,
    import_commands,
    leaderboard_commands,
    letters_commands,
    rebuild_commands,
    reproduce_commands,
    review_commands,
    rollback_commands,
    share_commands,
    sweep_commands,
    tokens_commands,
    workflow_commands,
)

app = typer.Typer(
    name="murmur",
    help="Operate a flock: services that turn data into served models, choreographed by events.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
for group in (
    flock_commands,
    workflow_commands,
    reproduce_commands,
    sweep_commands,
    leaderboard_commands,
    review_commands,
    compare_commands,
    share_commands,
    import_commands,
    batch_commands,
    rollback_commands,
    freeze_commands,
    feedback_commands,
    events_commands,
    tokens_commands,
    letters_commands,
    backup_commands,
    audit_commands,
    rebuild_commands,
):
    group.add_to(app)


def main() -> None:
    """Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not reachable."""
    app()
