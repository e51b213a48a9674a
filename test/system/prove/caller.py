"""As caller.ts, with leases.py of the example: SERVICE_URL, SERVICE_KEY and PORT as there."""

import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "examples" / "python"))
from leases import Leases, Undecided  # noqa: E402

leases = Leases(os.environ["SERVICE_URL"], os.environ["SERVICE_KEY"])
hits = 0


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        global hits
        if self.path == "/metrics":
            return self.answer(200, body=f'global_logout_leased_checks_total{{source="memory"}} {hits}\n')
        is_probe = self.path == "/readyz"
        try:
            session, from_memory, _ = leases.check(self.headers["Cookie"], self.headers["Authorization"])
        except Undecided:
            return self.answer(503)
        if session is None:
            return self.answer(200 if is_probe else 401)
        hits += from_memory
        return self.answer(200, {"X-User-ID": quote(session.user_id), "X-Session-ID": session.session_id})

    def answer(self, status, headers={}, body=""):
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_arguments):
        """Logs no requests."""


ThreadingHTTPServer.request_queue_size = 256
ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
