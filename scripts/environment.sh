#!/bin/sh
# usage: environment.sh FOLDER LOCK [--with-project]
# Brings the virtual environment FOLDER to what LOCK says: by uv, which pip brings where it is not there, or by pip.
set -eu
cd "$(dirname "$0")/.."
folder=$1 lock=$2 project=${3:-}
stamp="$folder/.$(basename "$lock").stamp"
if [ -e "$stamp" ] && [ ! "$lock" -nt "$stamp" ] && [ ! pyproject.toml -nt "$stamp" ]; then exit 0; fi

supported='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))'
python=''
for name in ${PYTHON:-} python3.11 python3.12 python3.13 python3 python; do
  if command -v "$name" >/dev/null 2>&1 && "$name" -c "$supported" 2>/dev/null; then python=$name; break; fi
done
if [ -z "$python" ]; then
  echo "modelpack needs Python 3.11, 3.12 or 3.13; none was found. Set PYTHON=/path/to/python3.11." >&2
  exit 1
fi

echo "setting up $folder with $("$python" --version) from $lock"
uv=$(command -v uv || true)
if [ -z "$uv" ]; then
  # pip takes minutes where uv takes seconds: it brings uv, once, by the hashes of our own lock.
  uv=$PWD/.venv-uv/bin/uv
  if [ ! -x "$uv" ]; then
    pinned=$(mktemp)
    awk '/^[^ ]/ { mine = /^uv==/ } mine' requirements/dev.lock >"$pinned"
    "$python" -m venv .venv-uv &&
      .venv-uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "$pinned" ||
      echo "uv cannot be had; pip does without it" >&2
    rm -f "$pinned"
  fi
fi

with_uv() {
  [ -x "$uv" ] || return 1
  [ -x "$folder/bin/python" ] || "$uv" venv --quiet --python "$(command -v "$python")" "$folder" || return 1
  "$uv" pip install --quiet --python "$folder/bin/python" --require-hashes -r "$lock" || return 1
  [ -z "$project" ] ||
    "$uv" pip install --quiet --python "$folder/bin/python" --no-deps --no-build-isolation --editable .
}

with_pip() {
  "$folder/bin/python" -m pip --version >/dev/null 2>&1 || "$python" -m venv "$folder"
  "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"
  [ -z "$project" ] ||
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
}

if ! with_uv; then
  with_pip
fi
touch "$stamp"
