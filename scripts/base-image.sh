#!/bin/bash
# usage: base-image.sh PYTHON FILE
# Writes the file system of an image like python:X.Y-slim to the archive FILE, without any registry of images: Debian's
# smallest system, and PYTHON as it stands on this machine below /usr/local. For tests; needs root and mmdebstrap.
set -euo pipefail
python=$1 file=$2
read -r version home < <("$python" -c 'import sys; print(".".join(map(str, sys.version_info[:2])), sys.base_prefix)')
if [ -n "$(find "$file" -newer "$0" 2>/dev/null)" ]; then exit 0; fi

work=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo /tmp)" base.XXXXXX)
trap 'rm -rf "$work"' EXIT
root="$work/python"
mkdir -p "$root/usr/local/bin" "$root/usr/local/lib/python$version/site-packages" "$root/etc"
cp -a "$home/bin/python$version" "$root/usr/local/bin/"
ln -s "python$version" "$root/usr/local/bin/python3"
ln -s python3 "$root/usr/local/bin/python"
cp -a "$home"/lib/libpython3*.so* "$root/usr/local/lib/" 2>/dev/null || true
tar -C "$home/lib" -cf - --exclude="python$version/site-packages" --exclude="python$version/test" \
  --exclude='python*/config-*' --exclude="python$version/idlelib" --exclude="python$version/tkinter" \
  --exclude="python$version/turtledemo" --exclude=__pycache__ --exclude='_tkinter*' "python$version" \
  | tar -C "$root/usr/local/lib" -xf -
find "$root/usr/local/lib" -name '*.so*' -type f -exec strip --strip-unneeded {} + 2>/dev/null || true
# What signs for the machine's servers signs for them in a build, too.
printf '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\ndisable-pip-version-check = 1\n' >"$root/etc/pip.conf"
mkdir -p "$root/usr/local/share/ca-certificates"
cp /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/" 2>/dev/null || true
tar -C "$root" -cf "$work/python.tar" .

. /etc/os-release
mirror=$(awk '/^URIs:/ {print $2; exit}' /etc/apt/sources.list.d/debian.sources 2>/dev/null || true)
if [ -z "$mirror" ]; then mirror=$(awk '$1 == "deb" {print $2; exit}' /etc/apt/sources.list); fi
mkdir -p "$(dirname "$file")"
# In memory where there is room: many small files are written, and thrown away.
TMPDIR="$work" mmdebstrap --quiet --variant=minbase \
  --include=ca-certificates,libbz2-1.0,libffi8,liblzma5,libncursesw6,libreadline8,libsqlite3-0,libssl3,libuuid1,netbase,tzdata,zlib1g \
  --aptopt='Acquire::Languages "none"' --dpkgopt='path-exclude=/usr/share/doc/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/man/*' \
  --customize-hook="tar-in $work/python.tar /" --customize-hook='chroot "$1" ldconfig' \
  --customize-hook='chroot "$1" update-ca-certificates >/dev/null 2>&1' \
  --customize-hook='chroot "$1" python3 -m ensurepip --upgrade >/dev/null 2>&1' \
  --customize-hook='ln -sf pip3 "$1/usr/local/bin/pip"' \
  "$VERSION_CODENAME" "$work/base.tar" "$mirror"
mv "$work/base.tar" "$file"
