#!/bin/sh
# npm run bench:subprocess [-- --write]: the known pitfalls of starting processes, each measured beside the way that Coax does it.
. "$(dirname -- "$0")/setup.sh"

setup_npm
exec "$(pinned_node)" --disable-warning=ExperimentalWarning bench/subprocess/main.ts "$@"
