#!/bin/sh
# npm test: sets up what the tests need, checks the house, and runs all tests. --long: thousands of seeds, hundreds of kills.
. "$(dirname -- "$0")/setup.sh"

setup_npm
sh scripts/build.sh --stale
setup_apt_lists
# shellcheck disable=SC2086
without_services setup_debian $QEMU_PACKAGES $POSTGRES_PACKAGE pgbouncer:/usr/sbin/pgbouncer git:git curl:curl python3:python3 tmux:tmux openssl:openssl faketime:faketime systemd:systemd-analyze runit:runsv gcc:gcc libc6-dev:/usr/include/stdio.h strace:strace zstd:zstd zsh:zsh fish:fish nginx:nginx apache2:apache2 perl:perl iotop:iotop chromium:chromium swift-proxy:swift-proxy-server swift-account:swift-account-server swift-container:swift-container-server swift-object:swift-object-server memcached:memcached || say "coax: tests that need them will say so and fail"

long=
files=
for word in "$@"; do
  case $word in
    --long) long=1 ;;
    *) files="$files $word" ;;
  esac
done
if [ -n "$long" ]; then
  export COAX_LONG=1
fi

if [ -z "$files" ]; then
  say "coax: types"
  run_node node_modules/typescript/bin/tsc -p tsconfig.json
  run_node node_modules/typescript/bin/tsc -p web/tsconfig.json
  say "coax: style"
  node_modules/.bin/biome check --error-on-warnings .
fi
export NODE_OPTIONS="${NODE_OPTIONS:-} --disable-warning=ExperimentalWarning"
# shellcheck disable=SC2086
exec "$(pinned_node)" --test --test-concurrency=2 --test-timeout=900000 ${files:-"src/**/*.test.ts" "test/**/*.test.ts"}
