#!/usr/bin/env bash
# Make what a deployment needs on Google Cloud, once: registry, bucket, cluster, identities, secrets. Run again, it goes on.
#   k8s/gke.sh PROJECT REGION OWNER/REPOSITORY      (DRY_RUN=1 prints the commands alone)
# KEYS_FILE is a file of API keys (python -m serve.auth.api_keys), STORE_URL_FILE one line with the address of PostgreSQL. OVERLAY is
# gke (the default), gke-entities, which adds the secret of a Redis in the cluster, or gke-entities-memorystore, which makes
# a Redis of Google Cloud; give each its own STORE_URL_FILE.
set -euo pipefail

if [ $# -ne 3 ] || ! [[ $3 =~ ^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$ ]]; then
  echo "usage: k8s/gke.sh PROJECT REGION OWNER/REPOSITORY" >&2
  exit 1
fi
project=$1 region=$2 repository=$3 overlay=${OVERLAY:-gke}
case $overlay in
  gke) namespace=fraud ;;
  gke-entities | gke-entities-memorystore) namespace=fraud-entities ;;
  *)
    echo "error: OVERLAY: expected gke, gke-entities or gke-entities-memorystore, got ${overlay:0:30}" >&2
    exit 1
    ;;
esac

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
# Images of Docker Hub come through a repository of the project, so that no pod waits on the limits of strangers.
ensure "gcloud artifacts repositories describe docker-hub --location $region --project $project" \
  gcloud artifacts repositories create docker-hub --repository-format docker --mode remote-repository \
  --remote-docker-repo docker-hub --location "$region" --project "$project"
ensure "gcloud storage buckets describe gs://$project-fraud-data" \
  gcloud storage buckets create "gs://$project-fraud-data" --location "$region" --project "$project" \
  --uniform-bucket-level-access --public-access-prevention
for account in fraud-serve fraud-research fraud-ci fraud-nodes; do
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
grant fraud-nodes roles/container.defaultNodeServiceAccount
grant fraud-nodes roles/artifactregistry.reader
run gcloud storage buckets add-iam-policy-binding "gs://$project-fraud-data" --role roles/storage.objectAdmin \
  --member "serviceAccount:fraud-research@$project.iam.gserviceaccount.com"
ensure "gcloud container clusters describe fraud --location $region --project $project" \
  gcloud container clusters create-auto fraud --location "$region" --project "$project" --enable-private-nodes \
  --service-account "fraud-nodes@$project.iam.gserviceaccount.com"
# Runs in the cluster fetch their data from outside.
ensure "gcloud compute routers describe fraud --region $region --project $project" \
  gcloud compute routers create fraud --network default --region "$region" --project "$project"
ensure "gcloud compute routers nats describe fraud --router fraud --region $region --project $project" \
  gcloud compute routers nats create fraud --router fraud --region "$region" --project "$project" \
  --auto-allocate-nat-external-ips --nat-all-subnet-ip-ranges

# The collector's pod may be the identity that writes traces and metrics; the service's pod needs none of it. A run may be
# the identity that writes the bucket.
be() {
  run gcloud iam service-accounts add-iam-policy-binding "$2@$project.iam.gserviceaccount.com" \
    --project "$project" --role roles/iam.workloadIdentityUser \
    --member "serviceAccount:$project.svc.id.goog[$namespace/$1]"
}
be fraud-serve fraud-serve
be fraud-collector fraud-serve
be fraud-research fraud-research

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
printf '+ %s\n' "kubectl apply: namespace $namespace" >&2
[ -n "${DRY_RUN:-}" ] || sed "s/name: fraud\$/name: $namespace/" "$(dirname "$0")/overlays/gke/namespace.yaml" | kubectl apply -f -
ensure "kubectl get secret fraud-keys --namespace $namespace" \
  kubectl create secret generic fraud-keys --namespace "$namespace" --from-file "keys.json=${KEYS_FILE:-KEYS_FILE}"
ensure "kubectl get secret fraud-store --namespace $namespace" \
  kubectl create secret generic fraud-store --namespace "$namespace" --from-file "url=${STORE_URL_FILE:-STORE_URL_FILE}"

# The password of Redis is made here and stands in the cluster's secret alone.
redis=$(mktemp -d)
trap 'rm -rf "$redis"' EXIT
case $overlay in
  gke-entities)
    password=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
    printf 'fraud-redis:6379,username=fraud,password=%s' "$password" >"$redis/address"
    printf 'user default on nopass -@all +ping\nuser fraud on #%s ~* &* +@all -@admin -@dangerous\n' \
      "$(printf %s "$password" | sha256sum | cut -d ' ' -f 1)" >"$redis/users.acl"
    ensure "kubectl get secret fraud-redis --namespace $namespace" \
      kubectl create secret generic fraud-redis --namespace "$namespace" --from-file "$redis"
    ;;
  gke-entities-memorystore)
    run gcloud services enable redis.googleapis.com --project "$project"
    ensure "gcloud redis instances describe fraud --region $region --project $project" \
      gcloud redis instances create fraud --region "$region" --project "$project" --size 1 --tier standard \
      --redis-version redis_7_2 --enable-auth --redis-config maxmemory-policy=noeviction --persistence-mode rdb \
      --rdb-snapshot-period 1h
    if [ -z "${DRY_RUN:-}" ]; then
      about=(fraud --region "$region" --project "$project")
      printf '%s,password=%s' "$(gcloud redis instances describe "${about[@]}" --format 'value[separator=":"](host,port)')" \
        "$(gcloud redis instances get-auth-string "${about[@]}" --format 'value(authString)')" >"$redis/address"
    fi
    ensure "kubectl get secret fraud-redis --namespace $namespace" \
      kubectl create secret generic fraud-redis --namespace "$namespace" --from-file "$redis"
    ;;
esac

cat <<END
Variables of the repository for the workflows:
  GCP_PROJECT=$project
  GCP_REGION=$region
  GCP_IDENTITY_PROVIDER=projects/$number/locations/global/workloadIdentityPools/github/providers/github
END
