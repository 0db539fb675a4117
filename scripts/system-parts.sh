#!/bin/sh
# Installs what tests and benchmarks use and pip cannot bring, on a Debian machine, as root. Nothing is started:
# tests start their own.
set -eu
wanted=''
if [ -z "$(ls -d /usr/lib/postgresql/*/bin/initdb 2>/dev/null)" ]; then wanted="$wanted postgresql"; fi
if ! command -v wrk >/dev/null 2>&1; then wanted="$wanted wrk"; fi
if ! command -v dockerd >/dev/null 2>&1; then wanted="$wanted docker.io iptables"; fi
if ! command -v docker-compose >/dev/null 2>&1; then wanted="$wanted docker-compose"; fi
if ! command -v mmdebstrap >/dev/null 2>&1; then wanted="$wanted mmdebstrap"; fi
if ! command -v chromium >/dev/null 2>&1; then wanted="$wanted chromium fonts-dejavu-core"; fi
if [ -n "$wanted" ]; then
  apt-get update -qq
  # shellcheck disable=SC2086 # words on purpose
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $wanted >/dev/null
fi
scripts/browser-parts.sh
# What images of the tests are built on: no registry of images is asked.
python=.venv/bin/python
if [ ! -x "$python" ]; then python=python3; fi
version=$("$python" -c 'import sys; print(".".join(map(str, sys.version_info[:2])))')
scripts/base-image.sh "$python" ".cache/base/python-$version-slim.tar"
