#!/bin/sh
# npm run bench:placement [-- --json FILE]: choosing hosts and claiming them, beside OpenStack Placement in the same run. Installs the Debian
# packages of Placement, uWSGI and PostgreSQL, whose services are not started. Nothing is left running.
. "$(dirname -- "$0")/setup.sh"

# It is told as not measured when this fails.
setup_placement() {
  set -- "$POSTGRES_PACKAGE" placement-api:placement-api uwsgi-core:uwsgi
  if [ ! -e /usr/lib/uwsgi/plugins/python3_plugin.so ]; then set -- "$@" uwsgi-plugin-python3:-; fi
  if ! /usr/bin/python3 -c 'import psycopg2' 2>/dev/null; then set -- "$@" python3-psycopg2:-; fi
  without_services setup_debian "$@"
}

setup_npm
case " $* " in
  *' --help '* | *' -h '*) ;;
  *)
    setup_placement || true
    ;;
esac
exec "$(pinned_node)" --disable-warning=ExperimentalWarning bench/placement/main.ts "$@"
