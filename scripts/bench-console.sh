#!/bin/sh
# npm run bench:console [-- --write --only messages --seconds 30 --rate 5000 --rows 100000]: how long the console's frames are under load, in Debian's Chromium.
. "$(dirname -- "$0")/setup.sh"

setup_npm
sh scripts/build.sh --stale
setup_debian chromium:chromium
exec "$(pinned_node)" --disable-warning=ExperimentalWarning bench/console/main.ts "$@"
