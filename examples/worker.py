#!/usr/bin/env python3
"""A worker in the standard library alone: serves the module `note` for the servers at COAX_URL, with COAX_TOKEN."""
import concurrent.futures as futures, hashlib, json, os, socket, threading, time, urllib.request

URLS, TOKEN, HOST = os.environ["COAX_URL"].split(","), os.environ["COAX_TOKEN"], socket.gethostname()
NAME, CODE = f"py-{HOST}-{os.getpid()}", hashlib.sha256(open(__file__, "rb").read()).hexdigest()
now = lambda: int(time.time() * 1000)

def call(method, verb, body=None, timeout=60):
    headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    return urllib.request.urlopen(urllib.request.Request(f"{URLS[0]}/v1/channel/{verb}", data, headers, method=method), timeout=timeout)

def post(verb, **body):
    with call("POST", verb, body) as answer: return json.load(answer)

def session(opened):  # held open: when this process dies, its steps are given to others at once
    while True:
        try:
            with call("GET", f"session?worker={NAME}", timeout=45) as events:
                post("hello", protocol=1, worker=NAME, host=HOST, pid=os.getpid(), modules={"note": {"write": CODE}})
                opened.set()
                for _ in events: pass  # pings, and `ask`: a person wants a step ended soon
        except OSError: time.sleep(1); URLS.append(URLS.pop(0))  # of several servers the next

def run(step):  # do or undo, safe to repeat: the file carries the step's key
    p, path = step["parameters"], step["parameters"]["path"]
    mine = os.path.exists(path) and open(path).read().startswith(step["key"])
    if step["mode"] == "rollback":
        if mine: os.remove(path)
    elif os.path.exists(path) and not mine: return {"kind": "terminal", "error": {"code": "TAKEN", "reason": f"{path} is there already"}}
    elif not mine:
        with open(path, "w") as file: file.write(f"{step['key']} {p['text']}\n")
        time.sleep(p.get("seconds", 0))
    return {"kind": "ok", "set": {} if step["mode"] == "rollback" else {"noted": path}}

threading.Thread(target=session, args=[opened := threading.Event()], daemon=True).start()
pool = futures.ThreadPoolExecutor()
while opened.wait():
    try:
        for claim in post("claim", worker=NAME, addresses=["note"], leaseMs=30000, waitMs=20000)["items"]:
            ref, began, step = {"msgid": claim["msgid"], "fence": claim["fence"]}, now(), pool.submit(run, claim["step"])
            while not futures.wait([step], 10).done: post("extend", claims=[ref], leaseMs=30000)
            post("finish", **ref, worker=NAME, outcome=step.result(), code=CODE, started=began, finished=now())
    except OSError: time.sleep(1)  # the server is away: what was not finished is claimed again
