#!/bin/sh
# npm run check: types, style and the house rules, without the tests.
. "$(dirname -- "$0")/setup.sh"

setup_npm
run_node node_modules/typescript/bin/tsc -p tsconfig.json
run_node node_modules/typescript/bin/tsc -p web/tsconfig.json
node_modules/.bin/biome check --error-on-warnings .
run_node --test "test/house/*.test.ts"
