#!/bin/sh
# npm run pictures [-- NAME…]: takes the pictures of docs/images anew, in Debian's Chromium.
. "$(dirname -- "$0")/setup.sh"

setup_npm
setup_debian chromium:chromium
run_node scripts/pictures/pictures.ts "$@"
