#!/bin/sh
# Debian's Chromium, in which the tests open the live page. Installed where that may be done, else asked for.
set -eu
command -v chromium >/dev/null && exit 0
install="apt-get install -y --no-install-recommends chromium"
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "the tests of the live page need Debian's chromium, which is not installed" >&2
  echo "  try: sudo $install" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
$install >/dev/null 2>&1 || { apt-get update -q >/dev/null && $install >/dev/null; }
command -v chromium >/dev/null
