"""A server that checks every request from its own memory, and refuses it from the logout on. The standard library only.

README.md says how to run it."""

import json
import logging
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from leases import Leases, Undecided

leases = Leases(os.environ.get("GLOBAL_LOGOUT_URL", "http://127.0.0.1:4000"), os.environ["GLOBAL_LOGOUT_KEY"])


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        cookie = "; ".join(self.headers.get_all("Cookie", []))
        authorization = ", ".join(self.headers.get_all("Authorization", []))
        # A browser that fetches ahead, and a page that polls: no activity of the user.
        is_prefetch = self.headers.get("Sec-Purpose", "").startswith("prefetch")
        activity = not is_prefetch and self.headers["X-Session-Activity"] != "none"
        try:
            checked = leases.check(cookie or None, authorization or None, self.headers["User-Agent"], activity)
        except Undecided:
            return self.answer(503, {"error": "try again"}, [("Retry-After", "1")])
        if checked.session is None:
            return self.answer(401, {"error": "sign in"}, [("Set-Cookie", line) for line in checked.set_cookie])
        user_id, session_id = checked.session.user_id, checked.session.session_id
        return self.answer(200, {"userId": user_id, "sessionId": session_id, "fromMemory": checked.from_memory}, [])

    def answer(self, status, body, headers):
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in [("Content-Type", "application/json"), ("Content-Length", str(len(content))), *headers]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_arguments):
        """Logs no requests."""


if __name__ == "__main__":
    logging.basicConfig()
    try:
        ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "3000"))), Handler).serve_forever()
    except KeyboardInterrupt:
        leases.close()
