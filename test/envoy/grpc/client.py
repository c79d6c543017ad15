"""A gRPC application without a proxy. It reads commands, a line of JSON each, and answers each with one."""

import collections
import json
import sys
import threading
import time

import grpc

channels = {}
load = None


def call(asked):
    """What a call got: the member's answer, or the name of its status."""
    service = asked["service"]
    if service not in channels:
        channels[service] = grpc.insecure_channel("xds:///" + service)
    say = channels[service].unary_unary(asked.get("path", "/echo.Echo/Say"))
    metadata = tuple(asked.get("metadata", {}).items())
    try:
        return say(b"hello", metadata=metadata, timeout=asked.get("deadline", 10000) / 1000).decode()
    except grpc.RpcError as error:
        return error.code().name


def together(count, work):
    """Runs the same work so often at a time; what each adds to a tally is summed up."""
    tallies = [collections.Counter() for _ in range(count)]
    threads = [threading.Thread(target=work, args=(tally,)) for tally in tallies]
    for thread in threads:
        thread.start()
    return lambda: [thread.join() for thread in threads] and dict(sum(tallies, collections.Counter()))


def call_all(asked):
    left = iter(range(asked.get("count", 1)))
    lock = threading.Lock()

    def work(tally):
        while True:
            with lock:
                if next(left, None) is None:
                    return
            tally[call(asked)] += 1

    start = time.monotonic()
    answers = together(asked.get("parallel", 1), work)()
    return {"answers": answers, "took": (time.monotonic() - start) * 1000}


class Load:
    """Calls without a pause but a short one, until it is told to stop."""

    def __init__(self, asked):
        self.over = threading.Event()

        def work(tally):
            while not self.over.wait(0.002):
                tally[call(asked)] += 1

        self.join = together(asked.get("parallel", 4), work)

    def stop(self):
        self.over.set()
        return self.join()


for line in sys.stdin:
    command = json.loads(line)
    if command["op"] == "call":
        answer = call_all(command)
    elif command["op"] == "start":
        load = Load(command)
        answer = {}
    else:
        answer = {"answers": load.stop()}
    print(json.dumps(answer), flush=True)
