#!/bin/sh
# npm run bench:postgres -- growth|workers|queue [--quick]: the figures of docs/performance.md that are PostgreSQL's alone.
. "$(dirname -- "$0")/setup.sh"

case ${1-} in
  growth | workers | queue) measure=$1 && shift ;;
  *)
    say "bench:postgres: say what to measure: npm run bench:postgres -- growth|workers|queue"
    exit 2
    ;;
esac
setup_npm
without_services setup_debian "$POSTGRES_PACKAGE"
exec "$(pinned_node)" --disable-warning=ExperimentalWarning "bench/postgres/$measure.ts" "$@"
