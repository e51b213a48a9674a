/** Only the proxy can have written this header: it removes the one of a client, and refuses a request without a session. */
export function GET(request: Request) {
  return Response.json({ userId: decodeURIComponent(request.headers.get('x-user-id') ?? '') })
}
