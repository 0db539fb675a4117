#!/bin/sh
# Writes the lock files anew from pyproject.toml. Needs uv. Hashes of every file, for every platform; no index is named.
set -eu
cd "$(dirname "$0")/.."
lock() {
  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
    --no-emit-index-url "$@"
}
# All extras but torch, which is ten times as large as the rest: it comes from where a machine's pip finds a fit.
extras=$(awk '/^\[/ { on = /optional-dependencies/ } on && /^[a-z0-9]+ = / && $1 != "torch" { print "--extra " $1 }' \
  pyproject.toml)
# shellcheck disable=SC2086 # words on purpose
lock pyproject.toml $extras --group dev --output-file requirements/dev.lock
lock pyproject.toml --extra registry --extra serve --extra sklearn --extra pandas --group build \
  --constraints requirements/dev.lock --output-file requirements/run.lock
# The same scientific stack on both sides, so that a difference is MLflow's or ours.
same=$(mktemp -d)
trap 'rm -rf "$same"' EXIT
stack='scikit-learn|cloudpickle|joblib|xgboost-cpu|lightgbm|catboost'
pinned() { grep -oE "^($1)==[^ ]+( ; [^\\]+)?" requirements/dev.lock; }
pinned "$stack|numpy|scipy|skops|statsmodels|onnx|onnxruntime" >"$same/mlflow2"
pinned "$stack|numpy|scipy|skops|statsmodels|onnx|onnxruntime|pandas" >"$same/mlflow3"
pinned "$stack" | grep -v 'python_full_version >=' >"$same/mlflow210"
lock requirements/mlflow3.in --constraints "$same/mlflow3" --output-file requirements/mlflow3.lock
lock requirements/mlflow30.in --constraints "$same/mlflow2" --output-file requirements/mlflow30.lock
lock requirements/mlflow222.in --constraints "$same/mlflow2" --output-file requirements/mlflow222.lock
# Not for every Python at once: no newer one than 3.12 has what it asks for.
uv pip compile --quiet --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url \
  requirements/mlflow210.in --constraints "$same/mlflow210" --output-file requirements/mlflow210.lock
# A linter that holds others' libraries to old versions lives alone.
lock requirements/checkov.in --output-file requirements/checkov.lock
for peer in bentoml litserve mlserver ray; do
  lock "requirements/bench/$peer.in" --constraints "$same/mlflow3" --output-file "requirements/bench/$peer.lock"
done
# All runners of our own server in one environment, with the versions that we have.
lock pyproject.toml requirements/bench/runners.in --extra serve --extra sklearn --extra pandas --extra onnx \
  --group build --constraints requirements/dev.lock --output-file requirements/bench/runners.lock
