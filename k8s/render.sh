#!/usr/bin/env bash
# Print the manifests of an overlay for one image, named by digest, and one Google Cloud project.
#   [OVERLAY=gke] k8s/render.sh REGISTRY/NAME@sha256:DIGEST PROJECT [NAME=REGISTRY/NAME@sha256:DIGEST...]
# What comes from Docker Hub (collector, Redis) is pulled through the repository that k8s/gke.sh makes, by release, or by the
# digest that a further argument gives: otel/opentelemetry-collector-contrib=..., redis=...
set -euo pipefail
cd "$(dirname "$0")/.."

by_digest='^([a-z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)+)@(sha256:[0-9a-f]{64})$'
if ! [[ ${1:-} =~ $by_digest ]]; then
  echo "usage: k8s/render.sh REGISTRY/NAME@sha256:DIGEST PROJECT [NAME=REGISTRY/NAME@sha256:DIGEST...]; a tag can be moved, so the digest is asked for" >&2
  exit 1
fi
name=${BASH_REMATCH[1]} digest=${BASH_REMATCH[4]} project=${2:-} overlay=${OVERLAY:-gke}
if ! [[ $project =~ ^[a-z][a-z0-9-]{4,28}[a-z0-9]$ ]]; then
  echo "error: expected the id of a Google Cloud project as second argument" >&2
  exit 1
fi
if ! [[ $overlay =~ ^gke[a-z-]*$ ]] || [ ! -d "k8s/overlays/$overlay" ]; then
  echo "error: OVERLAY: expected one of k8s/overlays/gke*, got ${overlay:0:30}" >&2
  exit 1
fi
declare -A images=([fraud-serve]="\"$name\", digest: \"$digest\"" [fraud-research]="\"$name\", digest: \"$digest\"")
hub=${name%%/*}/$project/docker-hub
if [[ ${name%%/*} =~ -docker\.pkg\.dev$ ]]; then
  images[otel/opentelemetry-collector-contrib]="\"$hub/otel/opentelemetry-collector-contrib\""
  images[redis]="\"$hub/library/redis\""
fi
for given in "${@:3}"; do
  if ! [[ ${given#*=} =~ $by_digest ]] || [ -z "${images[${given%%=*}]:-}" ]; then
    echo "error: ${given:0:60}: expected NAME=REGISTRY/NAME@sha256:DIGEST of an image in the manifests" >&2
    exit 1
  fi
  images[${given%%=*}]="\"${BASH_REMATCH[1]}\", digest: \"${BASH_REMATCH[4]}\""
done

identity() {
  cat <<END
  - target: {kind: ServiceAccount, name: $1}
    patch: |-
      apiVersion: v1
      kind: ServiceAccount
      metadata:
        name: any
        annotations:
          iam.gke.io/gcp-service-account: $2@$project.iam.gserviceaccount.com
END
}
mkdir -p scratch
folder=$(mktemp -d scratch/deploy.XXXXXX) # one for each run: two at once must not write over each other
trap 'rm -rf "$folder"' EXIT
{
  echo "apiVersion: kustomize.config.k8s.io/v1beta1"
  echo "kind: Kustomization"
  echo "resources: [../../k8s/overlays/$overlay]"
  echo "images:"
  for each in "${!images[@]}"; do echo "  - {name: $each, newName: ${images[$each]}}"; done
  echo "patches:"
  identity 'fraud-(serve|collector)' fraud-serve
  identity fraud-research fraud-research
  if grep -q '/jobs\]' "k8s/overlays/$overlay/kustomization.yaml"; then
    echo "configMapGenerator:"
    namespace=$(sed -n 's/^namespace: //p' "k8s/overlays/$overlay/kustomization.yaml")
    echo "  - {name: fraud-run, namespace: $namespace, behavior: merge, literals: [\"FRAUD_BUCKET=gs://$project-fraud-data\"]}"
  fi
} >"$folder/kustomization.yaml"
kubectl kustomize "$folder"
