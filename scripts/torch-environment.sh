#!/bin/sh
# usage: torch-environment.sh FOLDER
# Puts torch, and what it needs beside what the environment .venv has, into FOLDER, to be appended to sys.path: tests
# run it in the environments that are there, so that there is one copy. Which build comes is pip's configuration: on a
# machine without a GPU one for its processor alone is wanted, and the full one is ten times as large.
set -eu
cd "$(dirname "$0")/.."
folder=$1 list=requirements/torch.txt
stamp="$folder/.torch.stamp"
if [ -e "$stamp" ] && [ ! "$list" -nt "$stamp" ] && [ ! requirements/dev.lock -nt "$stamp" ]; then exit 0; fi

echo "setting up $folder from $list"
wanted=$(mktemp)
trap 'rm -f "$wanted"' EXIT
# A line without a version takes that of our own lock: where both have a library, they have the same.
while read -r line; do
  case $line in
    '' | '#'*) ;;
    *==*) echo "$line" ;;
    *) grep -E "^$line==" requirements/dev.lock | sed 's/ *\\$//' ;;
  esac
done <"$list" >"$wanted"

rm -rf "$folder"
base=$(.venv/bin/python -c 'import sys; print(sys._base_executable)')
uv=$(command -v uv || echo .venv/bin/uv)
# pip may know of wheels in folders, of which uv has to be told.
links=$("$base" -m pip config get global.find-links 2>/dev/null || true)
options=''
for link in $links ${PIP_FIND_LINKS:-}; do options="$options --find-links $link"; done
# shellcheck disable=SC2086 # words on purpose
if ! "$uv" pip install --quiet --python .venv/bin/python --no-deps --target "$folder" $options -r "$wanted" 2>/dev/null
then
  rm -rf "$folder"
  "$base" -m pip install --quiet --disable-pip-version-check --no-deps --no-compile --target "$folder" -r "$wanted"
fi
touch "$stamp"
