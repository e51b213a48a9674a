"""A Flask application that signs users in, guards a route, and signs out everywhere. README.md says how to run it."""

import json
import os
from functools import wraps
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import unquote, urlsplit

from flask import Flask, g, jsonify, request

SERVICE = urlsplit(os.environ.get("GLOBAL_LOGOUT_URL", "http://127.0.0.1:4000"))
KEY = os.environ["GLOBAL_LOGOUT_KEY"]  # with the scope sessions:create
# The service decides within 2 seconds. A logout may wait 3.3 more, until no instance answers from its cache.
CHECK_SECONDS, LOGOUT_SECONDS = 3, 7
# The session cookie: the service's names on https and on http. If you set SESSION_COOKIE, use those names.
COOKIES = ("__Host-authjs.session-token", "authjs.session-token")
LONGEST_TOKEN = 512
# What the browser proves: its session, and that its request comes from our own pages.
PROOF = ("Authorization", "Cookie", "Origin", "Sec-Fetch-Site", "User-Agent")

app = Flask(__name__)


class Undecided(Exception):
    """The service did not answer: neither signed in nor signed out."""


def ask(method, path, headers, body=None, seconds=CHECK_SECONDS):
    """Returns status, headers and JSON. Proxies, redirects and cookies of this process have no part in it."""
    connect = HTTPSConnection if SERVICE.scheme == "https" else HTTPConnection
    connection = connect(SERVICE.netloc, timeout=seconds)
    try:
        content = None if body is None else json.dumps(body)
        connection.request(method, path, content, {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        return answer.status, answer.headers, json.loads(answer.read() or "{}")
    except (OSError, HTTPException, ValueError) as error:
        raise Undecided from error
    finally:
        connection.close()


def ask_for_browser(method, path, **options):
    return ask(method, path, {name: request.headers[name] for name in PROOF if name in request.headers}, **options)


def session_required(view):
    """Admits only a valid session. Anything but a clear answer of the service is undecided."""

    @wraps(view)
    def guarded(*args, **kwargs):
        status, headers, problem = ask_for_browser("GET", "/check")
        if status == 401 and problem.get("code") in ("unauthenticated", "invalid_token"):
            return with_cookies(jsonify(error="sign in"), headers), 401
        if status != 200 or "X-User-ID" not in headers:
            raise Undecided
        g.user_id, g.session_id = unquote(headers["X-User-ID"]), headers["X-Session-ID"]
        return view(*args, **kwargs)

    return guarded


def with_cookies(response, headers):
    """Passes on the cookies that the service removes."""
    for cookie in headers.get_all("Set-Cookie", []):
        response.headers.add("Set-Cookie", cookie)
    return response


@app.errorhandler(Undecided)
def undecided(_error):
    return jsonify(error="try again"), 503, {"Retry-After": "1"}


@app.before_request
def same_origin_required():
    """A form of another site must not sign a browser in or out (CSRF)."""
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return None
    site = request.headers.get("Sec-Fetch-Site")
    if site == "same-origin" or site is None and request.headers.get("Origin") == request.host_url.rstrip("/"):
        return None
    return jsonify(error="cross-origin"), 403


def previous_token():
    """The browser's previous token: a sign-in ends its session, so that a planted one is useless."""
    tokens = (request.cookies.get(name, "") for name in COOKIES)
    return next((token for token in tokens if 0 < len(token) <= LONGEST_TOKEN), None)


@app.post("/login")
def login():
    user_id = request.form["user"]  # Instead of a password, because this is an example.
    body = {
        "user": {"id": user_id},
        "userAgent": request.user_agent.string,
        "ipAddress": request.remote_addr,
        "replaces": previous_token(),
    }
    status, _, made = ask("POST", "/api/sessions", {"Authorization": f"Bearer {KEY}"}, body)
    if status == 403:
        return jsonify(error="this user may not sign in"), 403
    if status != 201:
        raise Undecided
    response = jsonify(session=made["sessionId"])
    cookie = made["cookie"]["attributes"]
    response.set_cookie(
        made["cookie"]["name"],
        made["token"],
        path=cookie["path"],
        httponly=cookie["httpOnly"],
        samesite=cookie["sameSite"],
        secure=cookie["secure"],
        domain=cookie.get("domain"),
    )
    return response


@app.get("/me")
@session_required
def me():
    return jsonify(userId=g.user_id, sessionId=g.session_id)


@app.post("/logout-everywhere")
def logout_everywhere():
    status, headers, answer = ask_for_browser("POST", "/api/logout", body={"scope": "global"}, seconds=LOGOUT_SECONDS)
    if status >= 500 or "revoked" not in answer and "code" not in answer:
        raise Undecided
    return with_cookies(jsonify(answer), headers), status


if __name__ == "__main__":
    app.run(port=int(os.environ.get("PORT", "3000")))
