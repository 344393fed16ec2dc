"""Which model a request means, as MLServer's registry would choose it."""

from mlserver.handlers import DataPlane

from murmur_serving.cloudevents import SafeCloudEvents
from murmur_serving.fastpath.answers import Answering, MLServerCounts
from murmur_serving.fastpath.writing import Metadata, Writer
from murmur_serving.runtime import ModelRuntime


class Place:
    """A model as it is asked for: by its version, or by none, which is None over HTTP and "" over gRPC."""

    def __init__(
        self, model: ModelRuntime, version: str | None, plane: DataPlane, writer: Writer, metadata: Metadata
    ) -> None:
        self.model = model
        self.writer = writer
        self.metadata = metadata
        self._version = version
        self._plane = plane
        self._answering: Answering | None = None

    def answering(self) -> Answering | None:
        """None while the model is loading, has failed to, or is gone."""
        if not self.model.ready:
            return None
        if self._answering is None:
            self._answering = Answering(self.model, MLServerCounts(self._plane, self.model.name, self._version))
        return self._answering


class FastModels:
    """Learns of models as MLServer loads and unloads them."""

    def __init__(self, plane: DataPlane, events: SafeCloudEvents) -> None:
        self._plane = plane
        self._events = events
        self._models: dict[tuple[str, str], ModelRuntime] = {}
        self._places: dict[tuple[str, str | None], Place] = {}
        self._paths: dict[bytes, Place] = {}

    def add(self, model: ModelRuntime) -> None:
        """A model of that name and version that was there before gives way."""
        self._models[model.name, model.version] = model
        self._choose(model.name)

    def remove(self, model: ModelRuntime) -> None:
        if self._models.get((model.name, model.version)) is model:
            del self._models[model.name, model.version]
            self._choose(model.name)

    def place(self, name: str, version: str | None) -> Place | None:
        return self._places.get((name, version))

    def at(self, url: bytes) -> Place | None:
        """url: of an inference over HTTP, as the request line has it."""
        return self._paths.get(url)

    def _choose(self, name: str) -> None:
        """MLServer takes the highest version where none is named."""
        versions = {version: model for (known, version), model in self._models.items() if known == name}
        self._places = {key: place for key, place in self._places.items() if key[0] != name}
        for version, model in versions.items():
            self._add_place(model, version)
        if versions:
            newest = versions[max(versions, key=int)]
            self._add_place(newest, None)
            self._add_place(newest, "")
        self._paths = {_path(*key): place for key, place in self._places.items() if key[1] != ""}

    def _add_place(self, model: ModelRuntime, version: str | None) -> None:
        metadata = tuple((name.lower(), value) for name, value in self._events.of_answers(model.settings).items())
        writer = Writer(model, metadata)
        self._places[model.name, version] = Place(model, version, self._plane, writer, metadata)


def _path(name: str, version: str | None) -> bytes:
    of_version = "" if version is None else f"/versions/{version}"
    return f"/v2/models/{name}{of_version}/infer".encode()
