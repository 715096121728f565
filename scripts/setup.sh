# Sourced by the other scripts: installs what they need, and says what it installs.
# shellcheck shell=sh
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
cd "$root"

say() { printf '%s\n' "$*" >&2; }

# npm packages, the pinned Node among them; again only when the lock file has changed.
setup_npm() {
  stamp=node_modules/.coax-lock
  if [ -f "$stamp" ] && cmp -s package-lock.json "$stamp"; then return; fi
  say "coax: installing the npm packages of package-lock.json (Node 24 among them) into node_modules"
  # npm itself may be older than what the packages ask for; they run by the pinned Node.
  npm ci --no-audit --no-fund --loglevel=error >&2
  cp package-lock.json "$stamp"
}

# setup_debian PACKAGE:PROGRAM…: installs the packages whose program (a name, or a full path) is missing. Returns 1 when it cannot.
setup_debian() {
  missing=
  for pair in "$@"; do
    if ! PATH="$PATH:/usr/sbin:/sbin" command -v "${pair#*:}" >/dev/null 2>&1; then missing="$missing ${pair%%:*}"; fi
  done
  if [ -z "$missing" ]; then return 0; fi
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    say "coax: missing Debian packages:$missing"
    say "      as root: apt-get install --no-install-recommends$missing"
    return 1
  fi
  say "coax: installing the Debian packages$missing"
  export DEBIAN_FRONTEND=noninteractive
  # shellcheck disable=SC2086
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing; } >/tmp/coax-apt.$$ 2>&1 || {
    say "coax: apt-get could not install$missing:"
    tail -n 5 /tmp/coax-apt.$$ >&2
    rm -f /tmp/coax-apt.$$
    return 1
  }
  rm -f /tmp/coax-apt.$$
}

# Debian starts the services of a package that it installs (PostgreSQL's own cluster, say), unless this file forbids it.
without_services() {
  policy=/usr/sbin/policy-rc.d
  if [ -e "$policy" ] || [ "$(id -u)" -ne 0 ]; then
    "$@"
    return
  fi
  printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
  status=0
  "$@" || status=$?
  rm -f "$policy"
  return "$status"
}

# PostgreSQL's server programs are in no PATH; any version that is there will do.
POSTGRES_PACKAGE="postgresql:$(ls -d /usr/lib/postgresql/*/bin/initdb 2>/dev/null | tail -n 1)"

# The lists of packages, for `apt-get download` of the guest's kernel.
setup_apt_lists() {
  if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1 && ! apt-cache show linux-image-cloud-amd64 >/dev/null 2>&1; then
    say "coax: fetching the lists of Debian's packages"
    apt-get update -qq >/dev/null 2>&1 || true
  fi
}

QEMU_PACKAGES="qemu-system-x86:qemu-system-x86_64 busybox-static:busybox cpio:cpio iproute2:ip"

pinned_node() {
  for node in "$root"/node_modules/node-linux-*/bin/node; do
    if [ -x "$node" ]; then
      printf '%s' "$node"
      return
    fi
  done
  say "coax: the pinned Node was not installed: this machine's processor is not x64 or arm64?"
  exit 69
}

run_node() { "$(pinned_node)" --disable-warning=ExperimentalWarning "$@"; }
