#!/bin/sh
# npm run bench:linux [-- --json FILE]: how fast coax mem searches, and coax top beside Debian's iotop. As root.
. "$(dirname -- "$0")/setup.sh"

setup_npm
setup_debian iotop:iotop python3:python3
exec "$(pinned_node)" --disable-warning=ExperimentalWarning bench/linux/main.ts "$@"
