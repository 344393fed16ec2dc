"""Where the files of a version are: what its maker says is checked, and where it names another version, followed."""

import re
from dataclasses import dataclass
from posixpath import normpath
from typing import Protocol
from urllib.parse import unquote_plus, urlsplit

from murmur_registry.domain.models import model_key
from murmur_registry.domain.refusals import Invalid, NotThere, no_version
from murmur_registry.domain.stages import stage_of
from murmur_registry.repository import RegistryUnitOfWork, VersionDocument

IS_PROMPT = "mlflow.prompt.is_prompt"
"""The tag by which MLflow tells prompts, which are kept as models, from models."""

_LOGGED_MODEL = re.compile(r"m-[0-9a-f]{32}")
_LOOPBACK = ("", "localhost", "127.0.0.1")


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
        """Raises Invalid, NotThere."""
        if isinstance(asked.tags, dict) and str(asked.tags.get(IS_PROMPT, "")).lower() == "true":
            return Found(source=asked.source, storage=None, run_id=asked.run_id, logged_model=None)
        _check(asked.source, "model_id" if asked.logged_model else "run_id")
        if urlsplit(asked.source).scheme != "models":
            return Found(
                source=asked.source, storage=None, run_id=asked.run_id, logged_model=asked.logged_model or None
            )
        named = urlsplit(asked.source).path.strip("/")
        if _LOGGED_MODEL.fullmatch(named):
            return Found(
                source=asked.source, storage=None, run_id=asked.run_id, logged_model=asked.logged_model or named
            )
        version = await self._version(asked.source, named, workspace)
        return Found(
            source=f"models:/{version.name}/{version.version}",
            storage=version.storage or version.source,
            run_id=version.run_id if asked.run_id is None else asked.run_id,
            logged_model=version.logged_model if asked.logged_model is None else asked.logged_model,
        )

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


def _check(source: str, owner: str) -> None:
    """No path of this machine, and nothing that leads out of where it seems to be. Raises Invalid."""
    try:
        parts = urlsplit(source)
        host = parts.hostname or ""
    except ValueError as error:
        raise Invalid(f"Invalid model version source: '{source}'. It is no URI: {error}") from None
    if parts.scheme == "file" and host not in _LOOPBACK:
        raise Invalid(f"{source} is not a valid remote uri: a file:// URI names no other machine.")
    if parts.scheme in ("", "file"):
        holder = "run" if owner == "run_id" else "model"
        raise Invalid(
            f"Invalid model version source: '{source}'. To use a local path as a model version source, the {owner}"
            f" request parameter has to be specified and the local path has to be contained within the artifact"
            f" directory of the {holder} specified by the {owner}."
        )
    plain = source
    while (unquoted := unquote_plus(plain)) != plain:
        plain = unquoted
    path = re.sub(r"/+", "/", urlsplit(plain).path.rstrip("/"))
    leads_out = ".." in plain.split("/") or "\0" in plain or (path != "" and normpath(path) != path)
    if leads_out:
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
