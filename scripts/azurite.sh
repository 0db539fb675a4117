#!/bin/sh
# Brings Azure's emulator into .cache/azurite, as requirements/azurite locks it. Without npm there is none, and
# the tests that ask for it say so.
set -eu
cd "$(dirname "$0")/.."
folder=.cache/azurite lock=requirements/azurite/package-lock.json
if ! command -v npm >/dev/null 2>&1; then
  echo "npm is not there, and Azurite cannot be had" >&2
  exit 0
fi
if [ -e "$folder/.stamp" ] && [ ! "$lock" -nt "$folder/.stamp" ]; then exit 0; fi
echo "setting up $folder from $lock"
mkdir -p "$folder"
cp requirements/azurite/package.json "$lock" "$folder"
npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund --silent
touch "$folder/.stamp"
