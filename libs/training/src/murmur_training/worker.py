"""One training in a process of its own: `python -P -m murmur_training.worker <spec.json> [--messages <fd>]`.

People's code may raise, hang, crash the interpreter or eat the machine: here it does so alone. The worker writes its
files and, last of all, result.json into its work folder; whoever started it reads them when it has ended. It dies with
its parent.
"""

import argparse
import ctypes
import os
import random
import resource
import signal
import sys
from pathlib import Path

from murmur_training.errors import CodeRaised, DataRejected, OutputInvalid
from murmur_training.messages import Emit, Message, Metric, Phase, Progress, encode
from murmur_training.spec import ENVIRONMENT, RESULT, Failed, Trained, WorkerResult, WorkerSpec

_DATA_ENDS = 0.2
_TRAIN_ENDS = 0.95


def carry_out(spec: WorkerSpec, emit: Emit) -> Trained:
    """Load, snapshot, train, save. Raises DataRejected, CodeRaised, OutputInvalid or MemoryError."""
    from murmur_training.code import WorkflowCode
    from murmur_training.context import TrainingContext
    from murmur_training.environment import environment_json
    from murmur_training.sourcing import kept_data, load_data

    (spec.work / ENVIRONMENT).write_bytes(environment_json())
    _seed(spec.seed)
    code = WorkflowCode(spec.code)
    emit(Phase(name="data"))
    if spec.snapshot is None:
        data = load_data(spec, code, emit, loading=_within(emit, 0.0, _DATA_ENDS))
    else:
        data = kept_data(spec.snapshot, spec)
    snapshot = data.snapshot
    emit(Progress(fraction=_DATA_ENDS))

    emit(Phase(name="train"))
    train = code.function(spec.entry, "train")
    _seed(spec.seed)  # again, whatever load() has drawn: a repeated training does not load
    logged: dict[str, float] = {}
    context = TrainingContext(
        train=snapshot.rows,
        parameters=spec.parameters,
        seed=spec.seed,
        costs=spec.costs,
        emit=_within(_remembering(emit, logged), _DATA_ENDS, _TRAIN_ENDS),
    )
    returned = train(context)

    from murmur_training import measuring, outputs

    emit(Phase(name="save"))
    model = outputs.save_model(returned, spec.data.features, spec.work)
    fitted = outputs.predict(model, snapshot.rows.X, task=spec.data.task)
    if spec.costs is not None and context.threshold is None:
        context.use_threshold(context.least_cost_threshold(snapshot.rows, fitted))
    outputs.write_outputs(model, data.signature, snapshot, spec.work)
    emit(Progress(fraction=1.0))
    return Trained(
        digest=data.digest,
        train_rows=len(snapshot.train),
        holdout_rows=len(snapshot.holdout),
        label_rate=snapshot.label_rate,
        periods=snapshot.periods,
        metrics=logged | measuring.measured(model, fitted, snapshot),
        signature=data.signature,
        trained_until=snapshot.trained_until,
        threshold=context.threshold,
    )


def _seed(seed: int) -> None:
    import numpy as np

    random.seed(seed)
    np.random.seed(seed % 2**32)


def attempt(spec: WorkerSpec, emit: Emit) -> WorkerResult:
    """The same, with each way to fail as a result. Anything else is a bug of ours and ends the process with a
    traceback."""
    try:
        return carry_out(spec, emit)
    except DataRejected as error:
        return Failed(cause="data_rejected", message=str(error))
    except CodeRaised as error:
        return Failed(cause="code_raised", message=str(error))
    except OutputInvalid as error:
        return Failed(cause="output_invalid", message=str(error))
    except MemoryError as error:
        return Failed(
            cause="out_of_memory", message=f"an allocation failed: {error}: read fewer rows or raise the limit"
        )


def _within(emit: Emit, start: float, end: float) -> Emit:
    """Progress of a part becomes progress of the whole."""

    def emit_scaled(message: Message) -> None:
        if isinstance(message, Progress):
            message = Progress(fraction=start + message.fraction * (end - start))
        emit(message)

    return emit_scaled


def _remembering(emit: Emit, last: dict[str, float]) -> Emit:
    def emit_and_keep(message: Message) -> None:
        if isinstance(message, Metric):
            last[message.name] = message.value
        emit(message)

    return emit_and_keep


def _to_pipe(descriptor: int) -> Emit:
    pipe = os.fdopen(descriptor, "wb", buffering=0)

    def emit(message: Message) -> None:
        pipe.write(encode(message))

    return emit


def _to_terminal(message: Message) -> None:
    """For a worker that a person starts by hand."""
    sys.stderr.write(encode(message).decode())


def _die_with(parent: int) -> None:
    """Linux kills this process as soon as the thread that started it is gone; elsewhere `murmur down` sweeps by
    MURMUR_FLOCK."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None, use_errno=True).prctl(pr_set_pdeathsig, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit("the process that started this training is gone already")


def _limit_address_space(limit: int) -> None:
    """A backstop for allocations faster than any watcher: far above what is watched, since address space is not
    memory."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m murmur_training.worker", description=__doc__)
    parser.add_argument("spec", type=Path, help="the file spec.json of the training")
    parser.add_argument("--messages", type=int, help="file descriptor for JSON lines; absent: told on the terminal")
    parser.add_argument("--parent", type=int, help="process with which this one ends")
    parser.add_argument("--address-space", type=int, help="bytes of address space, the backstop of the memory limit")
    given = parser.parse_args(arguments)
    if given.parent is not None:
        _die_with(given.parent)
    if given.address_space is not None:
        _limit_address_space(given.address_space)
    spec = WorkerSpec.model_validate_json(given.spec.read_bytes())
    if spec.traceparent is not None:
        os.environ["TRACEPARENT"] = spec.traceparent  # OpenTelemetry's name, for code that makes spans of its own
    result = attempt(spec, _to_terminal if given.messages is None else _to_pipe(given.messages))
    whole = spec.work / f"{RESULT}.part"
    whole.write_text(result.model_dump_json(indent=2))
    whole.replace(spec.work / RESULT)


if __name__ == "__main__":
    main()
