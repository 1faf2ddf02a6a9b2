#!/usr/bin/env bash
# Inside the research image: a target of the Makefile in a copy of the project, then what it made into the bucket.
#   run.sh TARGET [NAME=VALUE...]      FRAUD_BUCKET, such as gs://project-fraud-data, receives it; exit code 3: the gate refused
set -euo pipefail

project=${FRAUD_PROJECT:-/opt/project}
run=${FRAUD_RUN:-$(date -u +%Y%m%dT%H%M%SZ)-${HOSTNAME:-run}}
if ! [[ ${FRAUD_BUCKET:-} =~ ^gs://[a-z0-9._-]+$ ]] || [ $# -eq 0 ]; then
  echo "usage: FRAUD_BUCKET=gs://BUCKET k8s/jobs/run.sh TARGET [NAME=VALUE...]" >&2
  exit 2
fi
cp -a "$project/." .
dvc config --local core.no_scm true
dvc remote add --local --quiet --force --default bucket "$FRAUD_BUCKET/dvc"

rm -rf results/quick/select
status=0
make "$@" || status=$?
if [ "$status" -ne 0 ] && [ ! -f results/quick/select/metrics.json ]; then
  echo "error: make $*: exit code $status; nothing was sent" >&2
  exit 1
fi
dvc push
python -m k8s.jobs "$FRAUD_BUCKET/runs/$run"
[ "$status" -eq 0 ] || exit 3
