#!/bin/sh
# Installs what tests use and pip cannot bring, on a Debian machine, as root. Nothing is started: tests start their own.
set -eu
if [ -z "$(ls -d /usr/lib/postgresql/*/bin/initdb 2>/dev/null)" ]; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql >/dev/null
fi
