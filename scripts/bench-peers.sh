#!/bin/sh
# npm run bench:peers [-- --json FILE]: the same work on Coax and on other systems, in one run. Installs what they need: npm
# packages into bench/peers/node_modules, and Debian packages, whose services are not started. Nothing is left running.
. "$(dirname -- "$0")/setup.sh"

setup_peers_npm() {
  stamp=bench/peers/node_modules/.coax-lock
  if [ -f "$stamp" ] && cmp -s bench/peers/package-lock.json "$stamp"; then return; fi
  say "coax: installing the npm packages of bench/peers/package-lock.json into bench/peers/node_modules:"
  say "      DBOS Transact, Restate (SDK and server), BullMQ, graphile-worker and the clients they need; no install scripts"
  npm ci --prefix bench/peers --ignore-scripts --no-audit --no-fund --loglevel=error >&2
  cp bench/peers/package-lock.json "$stamp"
}

# The systems that need them are told as not measured when this fails.
setup_peers_debian() {
  set -- "$POSTGRES_PACKAGE" redis-server:redis-server
  if ! /usr/bin/python3 -c 'import taskflow, sqlalchemy, alembic, psycopg2, sqlalchemy_utils' 2>/dev/null; then
    for package in taskflow sqlalchemy alembic psycopg2 sqlalchemy-utils; do set -- "$@" "python3-$package:-"; done
  fi
  without_services setup_debian "$@"
}

setup_npm
case " $* " in
  *' --help '* | *' -h '*) ;;
  *)
    setup_peers_npm
    setup_peers_debian || true
    ;;
esac
exec "$(pinned_node)" --disable-warning=ExperimentalWarning bench/peers/main.ts "$@"
