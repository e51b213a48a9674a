"""Holds leases.py to docs/leases-vectors.json: python3 examples/python/test_vectors.py"""

import json
import sys
from pathlib import Path

from leases import Caller, Session, covers, credential, hash_token, lease_clock

VECTORS = Path(__file__).resolve().parents[2] / "docs" / "leases-vectors.json"


class Difference(Exception):
    pass


def play(events):
    """Plays one sequence. Raises Difference."""
    now = 0
    caller = Caller(lambda: now)
    asked, sent_at, sent = {}, 0, {}

    def expect(what, expected, found):
        if found != expected:
            raise Difference(f"event {number} at {now} ms: {what} is {found!r}, not {expected!r}")

    for number, event in enumerate(events, 1):
        now = event["at"]
        if "leaves" in event:
            last = caller.leave()
            for name, value in event.get("sends", {}).items():
                expect(name, value, last[name])
        elif "sends" in event:
            sent_at, sent = caller.request()
            for name, value in event["sends"].items():
                expect(name, value, sent[name])
        elif "receives" in event:
            answer = event["receives"] or {"status": None}
            retry_after = answer.get("retryAfter", 0)
            body = {"caller": sent["caller"], **answer.get("body", {})}
            pause = caller.answered(sent_at, sent, answer["status"], body, retry_after)
            if "then" in event:
                expect("the next request", event["then"], "pause" if pause else "at once")
                expect("the pause is long enough", True, pause >= retry_after)
        elif "checks" in event:
            token = event["checks"]
            found = caller.find(token)
            expect("the check", event["answers"], "memory" if found else "ask")
            if found is None:
                asked.setdefault(token, []).append(now)
        elif "told" in event:
            token = event["told"]
            asked_at = asked[token].pop(0)
            if event["status"] == 200:
                caller.keep(token, asked_at, event.get("lease"), Session("ada", event["session"]))
        else:
            raise ValueError(f"an event of an unknown kind: {event}")


def failures(vectors):
    for vector in vectors["callers"]:
        try:
            play(vector["events"])
        except Difference as difference:
            yield f"{vector['name']} {difference}"
    for vector in vectors["hashes"]:
        if hash_token(vector["token"]) != vector["hash"]:
            yield f"hash of {vector['token']}"
    for vector in vectors["snapshots"]:
        if covers(vector["read"], vector["cursor"]) != vector["covers"]:
            yield f"whether {vector['read']} covers {vector['cursor']}"
    for vector in vectors["credentials"]["requests"]:
        found = credential(vector.get("cookie"), vector.get("authorization"), vectors["credentials"]["cookies"])
        if found != vector["token"]:
            yield f"credential of {vector}: {found!r}"
    for vector in vectors["clocks"]:
        reading = {"monotonic": 0, "wall": 0}
        clock = lease_clock(lambda: reading["monotonic"], lambda: reading["wall"])
        begun = clock()
        for reading in vector["readings"]:
            least, most = reading["passed"]
            if not least <= clock() - begun <= most:
                yield f"{vector['name']} {reading}: {clock() - begun}"


if __name__ == "__main__":
    vectors = json.loads(VECTORS.read_text("utf-8"))
    failed = list(failures(vectors))
    for failure in failed:
        print("not ok:", failure)
    print(len(vectors["callers"]), "sequences played,", len(failed), "failures")
    sys.exit(1 if failed else 0)
