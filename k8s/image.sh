#!/usr/bin/env bash
# Build the service's image with whatever is installed: docker, podman or buildah, and write its bill of materials.
# IMAGE (name:tag), BASE, BUILD_BASE (the same Python with a C compiler; BASE where that is named alone), BUNDLE (baked,
# entities or mounted), FEATURES=1 (Feast, and the model of entities), RESEARCH=1 (the studies instead of the service),
# PIP_CONF (a pip.conf for an index of your own), BUILDER and BUILD_FLAGS are read from the environment.
set -euo pipefail
cd "$(dirname "$0")/.."

file=Dockerfile
if [ -n "${RESEARCH:-}" ]; then
  image=${IMAGE:-fraud-research:dev} bundle=none lock=requirements-research.lock file=Dockerfile.research
elif [ -n "${FEATURES:-}" ]; then
  image=${IMAGE:-fraud-entities:dev} bundle=${BUNDLE:-entities} lock=requirements-serve-features.lock
else
  image=${IMAGE:-fraud-serve:dev} bundle=${BUNDLE:-baked} lock=requirements-serve.lock
fi
expect() {
  [ -f "$1" ] || { echo "error: $1: expected $2, or BUNDLE=mounted" >&2; exit 1; }
}
case $bundle in
  baked) expect models/champion/manifest.json "a promoted bundle; run \`make run\` first" ;;
  entities)
    expect models/entities/manifest.json "the model of entities; run \`make features\` first"
    expect data/store/registry-redis.db "Feast's registry; run \`python -m feature_repo.load --store feature_repo/redis.yaml --define\` first"
    ;;
esac
builder=${BUILDER:-}
for candidate in docker podman buildah; do
  [ -n "$builder" ] || ! command -v "$candidate" >/dev/null || builder=$candidate
done
if [ -z "$builder" ]; then
  echo "error: expected docker, podman or buildah on the PATH; install one" >&2
  exit 1
fi

arguments=(--file "$file" --tag "$image")
[ -z "${BASE:-}" ] || arguments+=(--build-arg "BASE=$BASE")
if [ -z "${RESEARCH:-}" ]; then
  arguments+=(--build-arg "BUNDLE=$bundle" --build-arg "LOCK=$lock")
  build_base=${BUILD_BASE:-${BASE:-}}
  [ -z "$build_base" ] || arguments+=(--build-arg "BUILD_BASE=$build_base")
fi
[ -z "${PIP_CONF:-}" ] || arguments+=(--secret "id=pip,src=$PIP_CONF")
[ "$builder" = docker ] || arguments+=(--format docker)
read -ra flags <<<"${BUILD_FLAGS:-}"
"$builder" build "${arguments[@]}" "${flags[@]}" .

mkdir -p scratch
if command -v cyclonedx-py >/dev/null; then
  cyclonedx-py requirements "$lock" --of JSON -o scratch/sbom.json
  echo "image: $image by $builder, bill of materials in scratch/sbom.json"
else
  echo "image: $image by $builder; no bill of materials: \`make tools\` installs what writes it"
fi
