#!/usr/bin/python3
"""Takes an upload and tells its size and digest."""
import hashlib
import json
import os
import sys

length = int(os.environ.get("CONTENT_LENGTH") or 0)
body = sys.stdin.buffer.read(length)
rest = sys.stdin.buffer.read()
print("Content-Type: application/json")
print()
print(json.dumps({
    "declared": length,
    "bytes": len(body),
    "rest": len(rest),
    "type": os.environ.get("CONTENT_TYPE"),
    "sha256": hashlib.sha256(body).hexdigest(),
}))
