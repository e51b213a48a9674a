/** A guarded route handler, which the example does not need. The proxy does not guard it. */
import { withSession } from '@global-logout/client/next'

export const GET = withSession(({ userId }, request: Request) =>
  Response.json({ userId, forged: request.headers.get('x-user-id') }),
)
