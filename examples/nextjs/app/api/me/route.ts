/**
 * Only the proxy can have set this header: it removes the client's own, and refuses a request without a
 * session.
 */
export function GET(request: Request) {
  return Response.json({ userId: decodeURIComponent(request.headers.get('x-user-id') ?? '') })
}
