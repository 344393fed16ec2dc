"""Where the files of a version are: what its maker says is checked, and where it names another version, followed."""

import re
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from murmur_mlflow.refusals import NotHeard
from murmur_registry.domain.logged_models import LoggedModel
from murmur_registry.domain.models import model_key
from murmur_registry.domain.paths import contains, is_local, is_remote_file, leads_out
from murmur_registry.domain.refusals import Invalid, NotThere, no_version
from murmur_registry.domain.stages import stage_of
from murmur_registry.repository import RegistryUnitOfWork, VersionDocument, every

IS_PROMPT = "mlflow.prompt.is_prompt"
"""The tag by which MLflow tells prompts, which are kept as models, from models."""

_RUN = re.compile(r"[A-Za-z0-9][\w\-]*")
_LOGGED_MODEL = re.compile(r"m-[0-9a-f]{32}")

_FOLDER = 0.25
"""A logged model that is named will be there; a path that is not known to be a run's is refused mostly."""


class Asked(Protocol):
    """The part of a command that says where a version comes from."""

    @property
    def source(self) -> str: ...
    @property
    def run_id(self) -> str | None: ...
    @property
    def logged_model(self) -> str | None: ...
    @property
    def tags(self) -> object: ...


@dataclass(frozen=True, kw_only=True)
class Found:
    """storage: where the files are, if the source only leads there"""

    source: str
    storage: str | None
    run_id: str | None
    logged_model: str | None


@dataclass(frozen=True)
class Sources:
    uow: RegistryUnitOfWork

    async def of(self, asked: Asked, workspace: str) -> Found:
        """Raises Invalid, NotThere, NotHeard."""
        if isinstance(asked.tags, dict) and str(asked.tags.get(IS_PROMPT, "")).lower() == "true":
            return Found(source=asked.source, storage=None, run_id=asked.run_id, logged_model=None)
        local = _is_path(asked.source)
        logged = await self._logged_model(asked, workspace)
        if local:
            await self._check_path(asked, logged, workspace)
        else:
            _check(asked.source)
        if urlsplit(asked.source).scheme != "models":
            return Found(
                source=asked.source, storage=None, run_id=asked.run_id, logged_model=asked.logged_model or None
            )
        named = _named(asked.source)
        if logged is not None and named == logged.id:
            return Found(
                source=asked.source,
                storage=logged.artifact_uri,
                run_id=asked.run_id or logged.source_run,
                logged_model=logged.id,
            )
        version = await self._version(asked.source, named, workspace)
        return Found(
            source=f"models:/{version.name}/{version.version}",
            storage=version.storage or version.source,
            run_id=version.run_id if asked.run_id is None else asked.run_id,
            logged_model=version.logged_model if asked.logged_model is None else asked.logged_model,
        )

    async def _logged_model(self, asked: Asked, workspace: str) -> LoggedModel | None:
        """The one that is named, if one is. Raises NotHeard, Invalid."""
        named = _named(asked.source) if urlsplit(asked.source).scheme == "models" else ""
        in_source = named if _LOGGED_MODEL.fullmatch(named) else ""
        model_id = asked.logged_model or in_source
        if not model_id:
            return None
        if in_source not in ("", model_id):
            raise Invalid(
                f"Invalid model version source: '{asked.source}'. The model_id request parameter, '{model_id}', must"
                f" identify the resource that contains the source."
            )
        found = await self.uow.logged_models.get(model_id)
        if found is None or not found.is_in(workspace, await self.uow.workspaces.get(workspace)):
            raise NotHeard(
                NotThere(
                    f"Logged model with ID '{model_id}' not found: tracking has told of none in the workspace"
                    f" '{workspace}'. Log it first, or register where its files are without a model_id"
                )
            )
        return found

    async def _check_path(self, asked: Asked, logged: LoggedModel | None, workspace: str) -> None:
        """It lies with the artifacts of the run, or of the logged model, that is said to have made it. Raises Invalid,
        NotHeard."""
        if logged is not None:
            if not (is_local(logged.artifact_uri) and contains(logged.artifact_uri, asked.source)):
                raise _not_of(asked.source, "model_id")
        elif not asked.run_id or not _RUN.fullmatch(asked.run_id):
            raise _not_of(asked.source, "run_id")
        elif not await self._is_of_run(asked.source, asked.run_id, workspace):
            raise NotHeard(_not_of(asked.source, "run_id"), patience=_FOLDER)

    async def _is_of_run(self, source: str, run_id: str, workspace: str) -> bool:
        """Where artifacts of runs are follows from their experiment."""
        dropped = await self.uow.workspaces.get(workspace)
        async for one in every(self.uow.local_experiments, {"workspace": workspace}):
            current = dropped is None or one.generation >= dropped.generation
            if current and contains(f"{one.location.rstrip('/')}/{run_id}/artifacts", source):
                return True
        return False

    async def _version(self, source: str, named: str, workspace: str) -> VersionDocument:
        """What `name/3`, `name/Production`, `name/latest` or `name@alias` names."""
        name, at, alias = named.partition("@")
        suffix = ""
        if not at:
            name, _, suffix = named.rpartition("/")
        if not name or not (alias or suffix):
            raise Invalid(
                f"Not a proper models:/ URI: {source}. Models URIs must be of the form 'models:/name/suffix' or"
                f" 'models:/name@alias' where suffix is a version, stage, or the string 'latest' and where alias is a"
                f" registered model alias. Only one of suffix or alias can be defined at a time."
            )
        key = model_key(workspace, name)
        model = await self.uow.live_model(key)
        if alias:
            number = model.named_by(alias)
            if number is None:
                raise Invalid(f"Registered model alias {alias} not found.")
        elif suffix.isdecimal():
            number = int(suffix)
        else:
            number = max(
                (
                    version.version
                    for version in await self.uow.live_versions(key)
                    if suffix.lower() in ("latest", stage_of(version).value.lower())
                ),
                default=None,
            )
            if number is None:
                raise NotThere(f"No versions of model with name '{name}' and stage '{suffix}' found")
        return await self.uow.live_version(key, number)


def _named(source: str) -> str:
    return urlsplit(source).path.strip("/")


def _is_path(source: str) -> bool:
    """Raises Invalid."""
    try:
        if is_remote_file(source):
            raise Invalid(f"{source} is not a valid remote uri: a file:// URI names no other machine.")
    except ValueError as error:
        raise Invalid(f"Invalid model version source: '{source}'. It is no URI: {error}") from None
    return is_local(source)


def _not_of(source: str, owner: str) -> Invalid:
    holder = "run" if owner == "run_id" else "model"
    return Invalid(
        f"Invalid model version source: '{source}'. To use a local path as a model version source, the {owner}"
        f" request parameter has to be specified and the local path has to be contained within the artifact"
        f" directory of the {holder} specified by the {owner}."
    )


def _check(source: str) -> None:
    """Nothing leads out of where it seems to be. Raises Invalid."""
    if leads_out(source):
        raise Invalid(
            f"Invalid model version source: '{source}'. If supplying a source as an http, https, local file path, ftp,"
            f" objectstore, or mlflow-artifacts uri, an absolute path must be provided without relative path references"
            f" present. Please provide an absolute path."
        )


def download_uri(version: VersionDocument) -> str:
    """Where the files of a version are. Raises NotThere for one that was made without a source."""
    found = version.storage or version.source
    if found is None:
        raise no_version(version.name, version.version)
    return found
