#!/usr/bin/env python3
"""Takes webhooks of Coax, with nothing but Python: checks each (Standard Webhooks) and writes a line for it.

receiver.py DIR listens on a free port of this machine, which it writes to DIR/port. It reads its secrets from DIR/secret, one a line,
and adds a line to DIR/events for each event that it had not seen before.
"""
import base64, hashlib, hmac, json, os, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer

folder = sys.argv[1]
seen = set()


def is_signed(headers, body):
    sent = headers.get("webhook-timestamp", "")
    # An old request that somebody sends again is not taken.
    if not sent.isdigit() or abs(time.time() - int(sent)) > 300:
        return False
    signed = f"{headers.get('webhook-id', '')}.{sent}.".encode() + body
    given = [part[3:] for part in headers.get("webhook-signature", "").split() if part.startswith("v1,")]
    with open(os.path.join(folder, "secret")) as file:
        keys = [base64.b64decode(line.strip().removeprefix("whsec_")) for line in file if line.strip()]
    known = [base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode() for key in keys]
    return any(hmac.compare_digest(a, b) for a in given for b in known)


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if not is_signed(self.headers, body):
            return self.answer(401)
        event = json.loads(body)
        if event["id"] not in seen:
            with open(os.path.join(folder, "events"), "a") as file:
                file.write(f"{event['type']} {event['subject']} {json.dumps(event['data'].get('error'))}\n")
            seen.add(event["id"])
        self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Receiver)
with open(os.path.join(folder, "port.new"), "w") as file:
    file.write(str(server.server_port))
os.rename(os.path.join(folder, "port.new"), os.path.join(folder, "port"))
server.serve_forever()
