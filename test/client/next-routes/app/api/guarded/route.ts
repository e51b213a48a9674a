/** What the example does not need: a guarded route handler, and a page that asks for a recent sign-in. The proxy lets both pass. */
import { withSession } from '@global-logout/client/next'

export const GET = withSession(({ userId }, request: Request) =>
  Response.json({ userId, forged: request.headers.get('x-user-id') }),
)
