#!/bin/sh
# npm run bench:access [-- --json FILE]: the HTTP API beside a bare route, and what held clients cost.
. "$(dirname -- "$0")/setup.sh"

setup_npm
# Each of fifteen thousand clients is a file of the server, and one of a process of clients.
ulimit -n "$(ulimit -H -n)"
exec "$(pinned_node)" --disable-warning=ExperimentalWarning bench/access/main.ts "$@"
