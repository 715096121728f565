#!/usr/bin/env python3
"""The API in the standard library alone: submits many messages, follows them by events, and shows what went wrong.
Needs COAX_URL and COAX_TOKEN; the argument is how many VMs to make."""
import json, os, sys, urllib.error, urllib.parse, urllib.request

URL, TOKEN = os.environ["COAX_URL"], os.environ["COAX_TOKEN"]


def call(method, path, body=None, **headers):
    """The answer's JSON. A refusal is a problem (RFC 9457): its code never changes its meaning."""
    data = None if body is None else json.dumps(body).encode()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(URL + path, data, method=method, headers={
        "authorization": f"Bearer {TOKEN}", "content-type": "application/json", **names})
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refusal:
        problem = json.load(refusal)
        raise SystemExit(f"{problem['code']}: {problem['detail']}\n{problem['hint']}")


def pages(path, **query):
    """Every item of a list, page by page."""
    while True:
        page = call("GET", f"{path}?{urllib.parse.urlencode(query)}")
        yield from page["items"]
        if "next" not in page:
            return
        query["cursor"] = page["next"]


def events(msgid):
    """The transitions of one message: those that were, then those that come. Ends with the message."""
    request = urllib.request.Request(f"{URL}/v1/events?msgid={msgid}", headers={"authorization": f"Bearer {TOKEN}"})
    with urllib.request.urlopen(request, timeout=120) as stream:
        for line in stream:
            if not line.startswith(b"data: "):
                continue
            event = json.loads(line[6:])
            if "commits" not in event:
                continue
            yield from event["commits"]
            if event["message"]["status"] in ("done", "rolled_back", "parked"):
                return


count = int(sys.argv[1])
wishes = [{"flow": "create_vm", "parameters": {"cpu": 1, "mem": 128}, "labels": {"batch": "python"}} for _ in range(count)]
accepted = call("POST", "/v1/messages", wishes, idempotency_key=f"python-{count}")["items"]
for item in accepted:
    steps = [commit["step"] for commit in events(item["msgid"]) if commit["step"]]
    print(item["msgid"], "did", len(steps), "steps, the last one", steps[-1])
found = list(pages("/v1/messages", selector="batch=python", limit=2))
print(len(found), "found by their label,", sum(message["status"] == "done" for message in found), "done")
for message in found:
    ended = call("POST", f"/v1/messages/{message['msgid']}/revert", {"reason": "only an example"}, prefer="wait=60")
    print(ended["msgid"], ended["status"])
