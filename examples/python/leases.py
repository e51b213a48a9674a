"""Checks sessions from the memory of this process. Once a logout has answered, no session that it ended is valid here.

The protocol is docs/leases-protocol.md. `Caller` is the protocol without network and threads, and test_vectors.py holds
it to docs/leases-vectors.json. `Leases` connects it to the service. The standard library only; tried with Python 3.11.
"""

import base64
import hashlib
import json
import logging
import os
import re
import threading
import time
import uuid
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import NamedTuple, Optional
from urllib.parse import unquote, urlsplit

LEASE_MS = 3_000
RENEW_MS = LEASE_MS / 3
PACE_MS = 100  # between two requests at least, where nothing was revoked: usually the service lets each wait
RATE_ERROR = 0.01  # by which the rates of two clocks differ at most
TRIES = 16  # at other connections, after 409 other_instance; then one in each renewal
LATER_SECONDS = 30  # between two tries where leases are not to be had
MAX_USES = 10_000  # in one request
TOKEN = re.compile(r"[\x21\x23\x24\x26-\x7e]{1,512}")  # no quote and no percent sign, which the service decodes

log = logging.getLogger("global-logout")


class Undecided(Exception):
    """The service did not answer: neither signed in nor signed out."""


def lease_clock(monotonic=lambda: time.monotonic() * 1000, wall=lambda: time.time() * 1000):
    """A clock in milliseconds. It never runs backwards, and counts the time while the machine is suspended, by which
    the wall clock runs ahead."""
    suspended, least, lock = 0.0, wall() - monotonic(), threading.Lock()

    def clock():
        nonlocal suspended, least
        with lock:
            awake = monotonic()
            ahead = wall() - awake - suspended
            if ahead < least:
                least = ahead
            elif ahead > least + 100:
                suspended += ahead - least
            return awake + suspended

    return clock


def hash_token(token):
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode("ascii")).digest()).rstrip(b"=").decode()


def parse_snapshot(text):
    """Orders the snapshots of one server: a later one has a higher xmax, or fewer open transactions below the same."""
    _xmin, xmax, transactions = text.split(":")
    return int(xmax), -len(transactions.split(",") if transactions else [])


def covers(read, cursor):
    """Whether a snapshot shows all that another one of the same server shows."""
    return parse_snapshot(read) >= parse_snapshot(cursor)


def credential(cookie, authorization, names):
    """The one token of a request; None when there is none, or when the service has to decide which one counts."""
    pairs = [pair.partition("=") for pair in (cookie or "").split(";")]
    pairs = [(name.strip(" \t"), value.strip(" \t")) for name, _, value in pairs]
    tokens = [value for name, value in pairs if name in names or re.sub(r"\.\d$", "", name) in names]
    whole = sum(name in names for name, _ in pairs)
    if authorization:
        bearer = re.fullmatch(r"bearer[ \t]+(.*)", authorization.strip(" \t"), re.IGNORECASE)
        tokens.append(bearer[1] if bearer else "")
        whole += 1
    return tokens[0] if len(tokens) == whole == 1 and TOKEN.fullmatch(tokens[0]) else None


@dataclass(frozen=True)
class Session:
    user_id: str
    session_id: str


class Entry:
    __slots__ = ("session", "ends_at", "touch_at", "passive_at", "interval")

    def __init__(self, session, asked_at, lease):
        self.session = session
        self.ends_at = asked_at + lease["seconds"] * 1000 * (1 - RATE_ERROR)
        self.touch_at = asked_at + lease["touch"] * 1000
        self.passive_at = asked_at + lease["passive"] * 1000
        self.interval = lease["interval"] * 1000

    def is_due(self, now, activity):
        if now < (self.touch_at if activity else self.passive_at):
            return False
        self.passive_at = now + self.interval
        if activity:
            self.touch_at = self.passive_at
        return True


class Caller:
    """What a process holds: a lease, a memory, and the cursor, which says what has left the memory. Times are
    milliseconds on `clock`. Safe between threads."""

    def __init__(self, clock, max_sessions=100_000):
        self.id = str(uuid.uuid4())
        self.clock = clock
        self.max_sessions = max_sessions
        self.instance = None
        self.cursor = None
        self.cookies = ()
        self._lease_until = float("-inf")
        self._memory = {}
        self._uses = {}
        self._tries = 0
        self._lock = threading.Lock()

    def holds(self):
        """Whether the memory may answer."""
        with self._lock:
            return self.clock() < self._lease_until

    def find(self, token, activity=True) -> Optional[Session]:
        """The session of a token, from memory; None: ask /check."""
        key = hash_token(token)
        with self._lock:
            now = self.clock()
            entry = self._memory.get(key) if now < self._lease_until else None
            if entry is None or now >= entry.ends_at:
                return None
            if entry.is_due(now, activity):
                self._use(entry.session.session_id, activity)
            return entry.session

    def keep(self, token, asked_at, lease, session):
        """Keeps an answer of /check, if it was read at the cursor or later. `lease` is its header X-Session-Lease."""
        try:
            lease = json.loads(lease or "null")
            entry = Entry(session, asked_at, lease)
            key, server, snapshot = lease["token"], lease["server"], lease["snapshot"]
            with self._lock:
                if self.cursor is None or server != self.cursor["server"] or key != hash_token(token):
                    return
                if covers(snapshot, self.cursor["snapshot"]):
                    self._memory.pop(key, None)
                    self._memory[key] = entry
                    if len(self._memory) > self.max_sessions:
                        del self._memory[next(iter(self._memory))]
        except (ValueError, KeyError, TypeError, AttributeError):
            return

    def request(self):
        """When the next request is sent, and its body. One request at a time."""
        with self._lock:
            now = self.clock()
            left = self._lease_until - now
            uses = [{"sessionId": id, "activity": activity} for id, activity in self._uses.items()]
            self._uses = {}
            return now, {
                "caller": self.id,
                "instance": self.instance if left > 0 else None,
                "cursor": self.cursor,
                "wait": left > LEASE_MS / 2,
                "uses": uses,
            }

    def answered(self, sent_at, sent, status, answer, retry_after=1):
        """Applies the answer to a request; status None: there was none. Returns the seconds to pause until the next."""
        try:
            if status == 200:
                return self._apply(sent_at, answer)
        except (ValueError, KeyError, TypeError, AttributeError):
            status = None
        with self._lock:
            for use in sent["uses"]:
                self._use(use["sessionId"], use["activity"])
            self._tries = self._tries + 1 if status == 409 else 0
            if status == 409 and self._tries < TRIES:
                return 0
            if status in (400, 401, 403, 404):
                return LATER_SECONDS
            due = max(0, sent_at + RENEW_MS - self.clock()) / 1000
            return max(due, retry_after) if status == 503 else due

    def leave(self):
        """Answers nothing from memory any more. Returns the body of the last request."""
        _, last = self.request()
        with self._lock:
            self._lease_until = float("-inf")
            self._memory.clear()
            self.cursor = None
            return {"caller": self.id, "instance": self.instance, "uses": last["uses"], "leave": True}

    def _apply(self, sent_at, answer):
        """Evicts, then takes the cursor, then the lease: what fails before extends nothing."""
        if answer["caller"] != self.id:
            raise ValueError("a lease for another caller")
        with self._lock:
            cursor = {"server": answer["cursor"]["server"], "snapshot": answer["cursor"]["snapshot"]}
            is_same = self.cursor is not None and cursor["server"] == self.cursor["server"]
            is_newer = not is_same or not covers(self.cursor["snapshot"], cursor["snapshot"])
            parse_snapshot(cursor["snapshot"])
            if not 0 <= answer["ms"] <= LEASE_MS:  # Nor infinity, which json reads.
                raise ValueError("no lease")
            until, instance, cookies = sent_at + answer["ms"], str(answer["instance"]), tuple(answer["cookies"])
            revoked = answer["revoked"] if is_same else None
            if revoked is None:
                self._memory.clear()
            else:
                for key in revoked:
                    self._memory.pop(key, None)
            if is_newer:
                self.cursor = cursor
            self._lease_until = max(self._lease_until, until) if is_same else until
            self.instance, self.cookies, self._tries = instance, cookies, 0
            # At once after a revocation: a logout waits until the next request says that this process has applied it.
            if revoked is None or len(revoked) > 0:
                return 0
            return max(0, sent_at + PACE_MS - self.clock()) / 1000

    def _use(self, session_id, activity):
        if session_id in self._uses or len(self._uses) < MAX_USES:
            self._uses[session_id] = activity or self._uses.get(session_id, False)


class Checked(NamedTuple):
    session: Optional[Session]  # None: signed out
    from_memory: bool
    set_cookie: list  # to pass on: the service removes session cookies that differ


class Leases:
    """Checks sessions, from memory while it can. `key` has the scope leases. Safe between threads and after a fork."""

    def __init__(self, url, key, max_sessions=100_000):
        self._service = urlsplit(url)
        self._key = key
        self._max_sessions = max_sessions
        self._begin()
        # The service does not know of a copy of a lease: the child begins with nothing.
        if hasattr(os, "register_at_fork"):  # Not where there is no fork.
            os.register_at_fork(after_in_child=self._begin)

    def _begin(self):
        self.caller = Caller(lease_clock(), self._max_sessions)
        self._starting = threading.Lock()
        self._closing = threading.Event()
        self._thread = None
        self._held = None

    def check(self, cookie=None, authorization=None, user_agent=None, activity=True) -> Checked:
        """The first three are headers of the browser's request. `activity`: of the user. Raises Undecided."""
        self._start()
        token = credential(cookie, authorization, self.caller.cookies)
        session = self.caller.find(token, activity) if token else None
        if session:
            return Checked(session, True, [])
        asked_at = self.caller.clock()
        headers = {"Cookie": cookie, "Authorization": authorization, "User-Agent": user_agent, "X-Lease": "1"}
        if not activity:
            headers["X-Session-Activity"] = "none"
        status, answer, body = self._ask(self._connect(3), "GET", "/check", headers)
        if status == 401 and body.get("code") in ("unauthenticated", "invalid_token"):
            return Checked(None, False, answer.get_all("Set-Cookie", []))
        if status != 200 or "X-User-ID" not in answer:
            raise Undecided(f"status {status}")
        session = Session(unquote(answer["X-User-ID"]), answer["X-Session-ID"])
        if token:
            self.caller.keep(token, asked_at, answer["X-Session-Lease"], session)
        return Checked(session, False, [])

    def close(self):
        """Leaves: no logout waits for this process any more."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join()

    def _start(self):
        if self._thread is None and not self._closing.is_set():
            with self._starting:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._renew, name="global-logout leases", daemon=True)
                    self._thread.start()

    def _renew(self):
        """Keeps the lease. One connection leads to one instance, also behind a load balancer."""
        connection = self._connect(2)
        while not self._closing.is_set():
            sent_at, body = self.caller.request()
            try:
                status, headers, answer = self._post(connection, body)
            except Undecided:
                status, headers, answer = None, {}, {}
            retry_after = headers.get("Retry-After", "")
            seconds = min(int(retry_after), 60) if re.fullmatch("[0-9]{1,5}", retry_after) else 1
            pause = self.caller.answered(sent_at, body, status, answer, seconds)
            if status != 200:
                connection.close()  # The next request opens another one.
            self._note(status, answer.get("code"))
            self._closing.wait(pause)
        self._leave(connection)

    def _leave(self, connection):
        """After the last renewal, and over its connection, which leads to the instance that lent the lease."""
        body = self.caller.leave()
        try:
            for _ in range(TRIES):
                if self._post(connection, body)[0] != 409:
                    break
                connection.close()
        except Undecided:
            log.warning("the service was not told that this process has left")
        connection.close()

    def _note(self, status, code):
        """Logs once that there is no lease, and once that there is one again."""
        held = self.caller.holds()
        if not held and self._held is not False:
            log.warning("no lease, so checks ask the service: status %s, code %s", status, code)
        if held and self._held is False:
            log.info("a lease again")
        self._held = held

    def _connect(self, seconds):
        connect = HTTPSConnection if self._service.scheme == "https" else HTTPConnection
        return connect(self._service.netloc, timeout=seconds)

    def _post(self, connection, body):
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        return self._ask(connection, "POST", "/leases", headers, json.dumps(body), keep_open=True)

    def _ask(self, connection, method, path, headers, content=None, keep_open=False):
        """Returns status, headers and JSON. Raises Undecided without an answer."""
        is_kept = False
        try:
            present = {name: value for name, value in headers.items() if value is not None}
            connection.request(method, self._service.path.rstrip("/") + path, content, present)
            answer = connection.getresponse()
            text = answer.read()
            body = json.loads(text) if text else {}
            is_kept = keep_open
            return answer.status, answer.headers, body if isinstance(body, dict) else {}
        except (OSError, HTTPException, ValueError) as error:
            raise Undecided from error
        finally:
            if not is_kept:
                connection.close()
