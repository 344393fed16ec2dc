"""What this repository asks of its Dockerfiles and of docker-compose.yml: each rule gives its complaints."""

import re
from collections.abc import Iterator
from typing import Any

Instruction = tuple[str, str]


def instructions(dockerfile: str) -> list[Instruction]:
    """(NAME, arguments), comments gone and continued lines joined."""
    lines = [line for line in dockerfile.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [
        (name.upper(), rest.strip()) for name, _, rest in (line.partition(" ") for line in joined.splitlines() if line)
    ]


def of_dockerfile(text: str) -> Iterator[str]:
    found = instructions(text)
    last_stage = max(index for index, (name, _) in enumerate(found) if name == "FROM")
    final = found[last_stage:]
    stages = {rest.split()[-1] for name, rest in found if name == "FROM" and " AS " in rest}
    for name, rest in found:
        if name == "FROM" and rest.split()[0] not in stages:
            yield from _image(rest.split()[0])
        if name == "ADD":
            yield f"ADD {rest}: COPY what is here, and fetch nothing while building"
        if name == "RUN":
            yield from _run(rest)
        if name in ("ENV", "ARG") and re.search(r"(?i)(password|secret|token|key)\w*\s*=?\s*\S*=", rest):
            yield f"{name} {rest.split('=')[0]}: a secret in an image is everybody's"
    users = [rest for name, rest in final if name == "USER"]
    if not users or users[-1].split(":")[0] in ("root", "0"):
        yield "the last USER is root"
    if not any(name == "HEALTHCHECK" for name, _ in final):
        yield "no HEALTHCHECK"
    copies = [rest for name, rest in found[:last_stage] if name == "COPY"]
    code = next((place for place, rest in enumerate(copies) if rest.startswith(("libs", "services", "."))), len(copies))
    if any("requirements.lock" in rest for rest in copies[code + 1 :]):
        yield "requirements.lock is copied after the code: every change of code would fetch all packages anew"


def _image(image: str) -> Iterator[str]:
    """Without a host, so that each place may use the registry that it trusts; with a version that stays the same."""
    name, _, tag = image.rpartition(":")
    if "@sha256:" not in image and (not name or not re.search(r"\d+\.\d+", tag)):
        yield f"{image}: no version, or one that moves"
    if "." in image.split("/")[0] and "/" in image:
        yield f"{image}: names a registry's host"


def _run(command: str) -> Iterator[str]:
    if re.search(r"apt-get\s+(-\S+\s+)*install", command):
        if "--no-install-recommends" not in command:
            yield f"RUN {command}: apt-get install without --no-install-recommends"
        if "rm -rf /var/lib/apt/lists" not in command:
            yield f"RUN {command}: leaves apt's lists in the layer"
    if re.search(r"\b(curl|wget)\b", command):
        yield f"RUN {command}: fetches what nothing pins"
    if re.search(r"\bsudo\b", command):
        yield f"RUN {command}: sudo"


def of_compose(document: dict[str, Any]) -> Iterator[str]:
    """Of the document as `docker-compose config` prints it, extensions and anchors resolved."""
    for name, service in document["services"].items():
        for complaint in _service(service):
            yield f"{name}: {complaint}"
    used = {_source(secret) for service in document["services"].values() for secret in service.get("secrets", ())}
    for missing in sorted(used - set(document.get("secrets", {}))):
        yield f"secret {missing} is nowhere described"
    for unused in sorted(set(document.get("secrets", {})) - used):
        yield f"secret {unused} is used by nobody"


def _service(service: dict[str, Any]) -> Iterator[str]:
    yield from _image(service["image"])
    if service.get("read_only") is not True:
        yield "its root file system can be written"
    if service.get("cap_drop") != ["ALL"]:
        yield "keeps capabilities"
    if service.get("privileged") or service.get("cap_add"):
        yield "is given privileges"
    if "no-new-privileges:true" not in service.get("security_opt", ()):
        yield "may gain privileges"
    if "build" not in service and str(service.get("user", "root")).split(":")[0] in ("root", "0"):
        yield "runs as root"
    if "healthcheck" not in service and "build" not in service:
        yield "no health check"
    if not service.get("deploy", {}).get("resources", {}).get("limits", {}).get("memory"):
        yield "no limit of memory"
    for key, value in (service.get("environment") or {}).items():
        secret = re.search(r"(?i)(password|secret|token|credential)", key) and not re.search(r"(?i)_?(file|s)$", key)
        if secret or re.search(r"://[^/\s]+:[^/\s]+@", str(value or "")):
            yield f"{key} carries a secret in the environment"
    for port in service.get("ports", ()):
        published = str(port.get("published", "")) if isinstance(port, dict) else str(port)
        if not published.startswith("127.0.0.1:"):
            yield f"port {published} is open to every network"


def _source(secret: object) -> str:
    return str(secret["source"]) if isinstance(secret, dict) else str(secret)
