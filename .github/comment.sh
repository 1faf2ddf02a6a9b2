#!/usr/bin/env bash
# Markdown for a pull request: what it does to the figures of the quick studies, against a revision.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH=$PWD/.venv/bin:$PATH

base=${1:?usage: .github/comment.sh REVISION}
committed=(results/*/metrics.json)
if [ ! -f "${committed[0]}" ]; then
  echo "error: results/: expected the figures of the full studies in git" >&2
  exit 1
fi
echo "## Studies of this change"
echo
echo "Quick profile on the real data; brackets hold 95% intervals."
echo
echo '```'
python -m fraud_core summary --profile quick | sed -n '/figure/,/^$/p'
echo '```'
echo
echo "### Committed figures of the full studies against ${base:0:12}"
echo
changed=$(dvc metrics diff --md "$base" HEAD --targets "${committed[@]}")
if [ -z "$changed" ]; then
  echo "None changed."
else
  # A comment holds 65,536 characters; the report in the artefacts of the job has them all.
  head -n 80 <<<"$changed"
  lines=$(wc -l <<<"$changed")
  [ "$lines" -le 80 ] || printf '\n%d more lines are left out.\n' "$((lines - 80))"
fi
echo
echo "The rendered report is the artefact *report* of this job."
