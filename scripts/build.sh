#!/bin/sh
# npm run build: builds the console into web/dist. `--stale`: only when its sources have changed since. `--after-install`: what
# npm ci runs; an installation whose console could not be built is an installation all the same.
. "$(dirname -- "$0")/setup.sh"

if [ ! -f node_modules/vite/bin/vite.js ]; then
  say "coax: the console is not built: its tools are packages for development, and those were not installed"
  exit 0
fi
if [ "${1:-}" = --stale ] && [ -f web/dist/index.html ] &&
  [ -z "$(find web/src web/index.html web/vite.config.ts package-lock.json -newer web/dist/index.html | head -n 1)" ]; then
  exit 0
fi
run_node node_modules/vite/bin/vite.js build --config web/vite.config.ts --logLevel warn || {
  say "coax: the console could not be built; the server says so in its place. Again: npm run build"
  [ "${1:-}" = --after-install ]
}
