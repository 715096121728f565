#!/bin/sh
# npm run bench:growth [-- MILLIONS]: what tables and indexes take after so many million transitions on PostgreSQL (5).
. "$(dirname -- "$0")/setup.sh"

setup_npm
without_services setup_debian "$POSTGRES_PACKAGE"
exec "$(pinned_node)" --disable-warning=ExperimentalWarning bench/postgres/growth.ts "$@"
