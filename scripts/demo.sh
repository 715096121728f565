#!/bin/sh
# npm run demo: sets everything up, makes a real VM and tells the story. `npm run demo -- --simulate` needs no QEMU.
. "$(dirname -- "$0")/setup.sh"

setup_npm
sh scripts/build.sh --stale
case " $* " in
  *" --simulate "*) ;;
  *)
    setup_apt_lists
    # shellcheck disable=SC2086
    setup_debian $QEMU_PACKAGES || {
      say "      or: npm run demo -- --simulate   (no guest is made; every listing says so)"
      exit 69
    }
    ;;
esac
exec "$(pinned_node)" --disable-warning=ExperimentalWarning scripts/demo/demo.ts "$@"
