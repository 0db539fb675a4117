#!/bin/sh
# Brings what the tests of pages look with, beside the browser: axe-core, which finds what keeps people out, into
# .cache/axe-core. Without npm there is none, and the tests that ask for it say so.
set -eu
cd "$(dirname "$0")/.."
version=4.14.1 digest=e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745
folder=.cache/axe-core
if ! command -v npm >/dev/null 2>&1; then
  echo "npm is not there, and axe-core cannot be had" >&2
  exit 0
fi
if [ -e "$folder/axe.min.js" ] && [ "$(cat "$folder/version" 2>/dev/null)" = "$version" ]; then exit 0; fi
echo "setting up $folder $version"
mkdir -p "$folder"
npm pack --silent --pack-destination "$folder" "axe-core@$version" >/dev/null
archive="$folder/axe-core-$version.tgz"
echo "$digest  $archive" | sha256sum --check --quiet
tar xzf "$archive" -C "$folder" --strip-components=1 package/axe.min.js package/LICENSE
rm "$archive"
echo "$version" >"$folder/version"
