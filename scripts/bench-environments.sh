#!/bin/sh
# Brings the environments of the servers that we are measured against to their locks, below .venv-bench/.
# One that cannot be set up on this machine is said and left out: the others can still be measured.
set -eu
cd "$(dirname "$0")/.."
for lock in requirements/bench/*.lock; do
  name=$(basename "$lock" .lock)
  project=''
  if [ "$name" = runners ]; then project=--with-project; fi
  # shellcheck disable=SC2086 # no word when there is none
  if ! scripts/environment.sh ".venv-bench/$name" "$lock" $project; then
    echo "$name COULD NOT BE SET UP in .venv-bench/$name; it is left out" >&2
  fi
done
