#!/usr/bin/env bash
# Print the manifests of the GKE overlay for one image, named by digest, and one Google Cloud project.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! [[ ${1:-} =~ ^([a-z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)+)@(sha256:[0-9a-f]{64})$ ]]; then
  echo "usage: k8s/render.sh REGISTRY/NAME@sha256:DIGEST PROJECT; a tag can be moved, so the digest is asked for" >&2
  exit 1
fi
name=${BASH_REMATCH[1]} digest=${BASH_REMATCH[4]}
if ! [[ ${2:-} =~ ^[a-z][a-z0-9-]{4,28}[a-z0-9]$ ]]; then
  echo "error: expected the id of a Google Cloud project as second argument" >&2
  exit 1
fi
mkdir -p scratch/deploy
cat >scratch/deploy/kustomization.yaml <<END
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [../../k8s/overlays/gke]
images:
  - {name: fraud-serve, newName: "$name", digest: "$digest"}
patches:
  - target: {kind: ServiceAccount}
    patch: |-
      apiVersion: v1
      kind: ServiceAccount
      metadata:
        name: any
        annotations:
          iam.gke.io/gcp-service-account: fraud-serve@$2.iam.gserviceaccount.com
END
kubectl kustomize scratch/deploy
