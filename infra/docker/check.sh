#!/bin/sh
# Does what the Dockerfile does for every image, as plain processes: installs its closure into an environment of its own and
# imports what it runs. Finds an import that only another member's dependencies name. From the root: make images-check
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for closure in infra/docker/closures/*.txt; do
    image=$(basename "$closure" .txt)
    INSTALLER=".uv/bin/uv pip install --quiet --python $work/$image" infra/docker/install.sh "$image" "$work/$image"
    module="murmur_$image.app"
    [ "$image" != cli ] || module="murmur_cli.main, murmur_runtime.servers"
    (cd "$work" && env -i PATH="$PATH" "$work/$image/bin/python" -c "import $module, s3fs")
    echo "$image: $(wc -l < "$closure") packages, imports what it runs"
    rm -rf "${work:?}/$image"
done
