#!/bin/sh
# Installs an image's closure into a virtual environment of its own: install.sh <image> <environment>
# Run by the Dockerfile, and by `make images-check` as a plain process, from the root of the repository.
# INSTALLER: what installs, "python -m pip install" of that environment unless it is set.
set -eu
image=$1
environment=$2
docker=$(dirname "$0")
pins=$(mktemp -d)
trap 'rm -rf "$pins"' EXIT

python3 -m venv "$environment"
installer=${INSTALLER:-$environment/bin/python -m pip install --no-cache-dir --disable-pip-version-check}
python3 "$docker/pins.py" "$docker/closures/$image.txt" requirements.lock "$pins"
# Only what the lock names, with the content that it names; nothing is resolved here.
$installer --no-deps --require-hashes -r "$pins/packages.txt"
# The members of this workspace are built by the pinned backend. $(...) unquoted: one folder a word.
# shellcheck disable=SC2046
PIP_CONSTRAINT="$docker/build-constraints.txt" UV_BUILD_CONSTRAINT="$docker/build-constraints.txt" \
    $installer --no-deps $(cat "$pins/members.txt")
