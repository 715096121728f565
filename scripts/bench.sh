#!/bin/sh
# npm run bench [-- --json FILE]: the figures of docs/performance.md, each beside its floor in the same run.
. "$(dirname -- "$0")/setup.sh"

setup_npm
exec "$(pinned_node)" --disable-warning=ExperimentalWarning --expose-gc bench/main.ts "$@"
