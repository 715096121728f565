#!/bin/sh
# Makes the tables of src/linux/native/tables anew from the headers of this machine (gcc, libc6-dev and linux-libc-dev).
. "$(dirname -- "$0")/setup.sh"

setup_npm
run_node scripts/linux-tables/main.ts
