#!/bin/sh
# npm run docs: writes the generated pages of docs/reference anew.
. "$(dirname -- "$0")/setup.sh"

setup_npm
for script in scripts/docs/*.ts; do
  case $script in *.test.ts) continue ;; esac
  run_node "$script"
done
