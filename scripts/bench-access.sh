#!/bin/sh
# npm run bench:access [-- --json FILE]: the HTTP API beside a bare route, what held clients cost, a project beside another's flood, and CGI
# beside Debian's Apache.
. "$(dirname -- "$0")/setup.sh"

setup_npm
without_services setup_debian apache2:apache2
# Each of fifteen thousand clients is a file of the server, and one of a process of clients.
ulimit -n "$(ulimit -H -n)"
exec "$(pinned_node)" --disable-warning=ExperimentalWarning bench/access/main.ts "$@"
