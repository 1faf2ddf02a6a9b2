#!/usr/bin/env bash
# Make what a deployment needs on Google Cloud, once: registry, bucket, cluster, identities, secrets. Run again, it goes on.
#   k8s/gke.sh PROJECT REGION OWNER/REPOSITORY      (DRY_RUN=1 prints the commands alone)
# KEYS_FILE is a file of API keys (python -m serve.access), STORE_URL_FILE one line with the address of PostgreSQL.
set -euo pipefail

if [ $# -ne 3 ] || ! [[ $3 =~ ^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$ ]]; then
  echo "usage: k8s/gke.sh PROJECT REGION OWNER/REPOSITORY" >&2
  exit 1
fi
project=$1 region=$2 repository=$3

run() {
  printf '+ %s\n' "$*" >&2
  [ -n "${DRY_RUN:-}" ] || "$@"
}

# Make something unless it is there: the first argument is the command that finds it, the rest makes it.
ensure() {
  local found=$1
  shift
  if [ -n "${DRY_RUN:-}" ] || ! eval "$found" >/dev/null 2>&1; then run "$@"; fi
}

for file in KEYS_FILE STORE_URL_FILE; do
  if [ -z "${DRY_RUN:-}" ] && [ ! -s "${!file:-}" ]; then
    echo "error: $file: expected a file that is not empty; see docs/delivery.md" >&2
    exit 1
  fi
done

run gcloud services enable container.googleapis.com artifactregistry.googleapis.com iamcredentials.googleapis.com \
  storage.googleapis.com monitoring.googleapis.com cloudtrace.googleapis.com --project "$project"

ensure "gcloud artifacts repositories describe fraud --location $region --project $project" \
  gcloud artifacts repositories create fraud --repository-format docker --location "$region" --project "$project"
ensure "gcloud storage buckets describe gs://$project-fraud-data" \
  gcloud storage buckets create "gs://$project-fraud-data" --location "$region" --project "$project" \
  --uniform-bucket-level-access --public-access-prevention
ensure "gcloud container clusters describe fraud --location $region --project $project" \
  gcloud container clusters create-auto fraud --location "$region" --project "$project" --enable-private-nodes

for account in fraud-serve fraud-ci; do
  ensure "gcloud iam service-accounts describe $account@$project.iam.gserviceaccount.com --project $project" \
    gcloud iam service-accounts create "$account" --project "$project"
done
grant() {
  run gcloud projects add-iam-policy-binding "$project" --condition None --role "$2" \
    --member "serviceAccount:$1@$project.iam.gserviceaccount.com"
}
grant fraud-serve roles/cloudtrace.agent
grant fraud-serve roles/monitoring.metricWriter
grant fraud-ci roles/artifactregistry.writer
grant fraud-ci roles/container.developer

# The collector's pod may be the identity that writes traces and metrics; the service's pod needs none of it.
for account in fraud-serve fraud-collector; do
  run gcloud iam service-accounts add-iam-policy-binding "fraud-serve@$project.iam.gserviceaccount.com" \
    --project "$project" --role roles/iam.workloadIdentityUser \
    --member "serviceAccount:$project.svc.id.goog[fraud/$account]"
done

# GitHub's workflows of this one repository, main alone, may be the identity that pushes and deploys; no key is made.
ensure "gcloud iam workload-identity-pools describe github --location global --project $project" \
  gcloud iam workload-identity-pools create github --location global --project "$project"
ensure "gcloud iam workload-identity-pools providers describe github --workload-identity-pool github --location global --project $project" \
  gcloud iam workload-identity-pools providers create-oidc github --workload-identity-pool github --location global \
  --project "$project" --issuer-uri https://token.actions.githubusercontent.com \
  --attribute-mapping google.subject=assertion.sub,attribute.repository=assertion.repository \
  --attribute-condition "assertion.repository == '$repository' && assertion.ref == 'refs/heads/main'"
number=PROJECT_NUMBER
[ -n "${DRY_RUN:-}" ] || number=$(gcloud projects describe "$project" --format 'value(projectNumber)')
run gcloud iam service-accounts add-iam-policy-binding "fraud-ci@$project.iam.gserviceaccount.com" \
  --project "$project" --role roles/iam.workloadIdentityUser \
  --member "principalSet://iam.googleapis.com/projects/$number/locations/global/workloadIdentityPools/github/attribute.repository/$repository"

run gcloud container clusters get-credentials fraud --location "$region" --project "$project"
run kubectl apply -f "$(dirname "$0")/overlays/gke/namespace.yaml"
ensure "kubectl get secret fraud-keys --namespace fraud" \
  kubectl create secret generic fraud-keys --namespace fraud --from-file "keys.json=${KEYS_FILE:-KEYS_FILE}"
ensure "kubectl get secret fraud-store --namespace fraud" \
  kubectl create secret generic fraud-store --namespace fraud --from-file "url=${STORE_URL_FILE:-STORE_URL_FILE}"

cat <<END
Variables of the repository for the workflows:
  GCP_PROJECT=$project
  GCP_REGION=$region
  GCP_IDENTITY_PROVIDER=projects/$number/locations/global/workloadIdentityPools/github/providers/github
END
