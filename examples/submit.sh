#!/bin/sh
# The API by curl alone: submits a VM with labels, waits until it is there, finds it by its label, and removes it again.
# Needs COAX_URL and COAX_TOKEN; $1 is the VM's name.
set -eu
name=${1:?usage: submit.sh NAME}

api() { # METHOD PATH [curl's arguments…]: prints the answer, and fails on a refusal, which it prints too
  method=$1 path=$2; shift 2
  curl -sS --fail-with-body -X "$method" "$COAX_URL$path" \
    -H "authorization: Bearer $COAX_TOKEN" -H 'content-type: application/json' "$@"
}

# The key makes this safe to send again: a lost answer never makes a second VM. `Prefer` holds the answer until it is done.
api POST /v1/messages -H "idempotency-key: make-$name" -H 'prefer: wait=60' -d '{
  "flow": "create_vm", "parameters": {"cpu": 1, "mem": 128, "name": "'"$name"'"}, "labels": {"made-by": "'"$name"'"}
}' >/dev/null

api GET "/v1/messages?selector=made-by%3D$name" | grep -o '"msgid":[0-9]*' | head -1
api GET "/v1/vms/$name" | grep -o '"state":"[a-z]*"'

# Removed only if it is still as it was seen: If-Match takes the ETag of the answer.
etag=$(api GET "/v1/vms/$name" -o /dev/null -D - | sed -n 's/^etag: \(.*\)\r$/\1/p')
api POST "/v1/vms/$name/remove" -H "if-match: $etag" -H 'prefer: wait=60' -d '{"reason": "only an example"}' |
  grep -o '"status":"[a-z_]*"' | head -1
