/**
 * A process that answers checks from its own memory, as an application does: under leases of the service over HTTP (SERVICE_URL and
 * SERVICE_KEY), or as an instance of its own (DATABASE_URL). It answers as the service does, for the same checker.
 */
import { createServer, type IncomingMessage } from 'node:http'
import { createClient, type Identity, type RequestLike, UndecidedError } from '@global-logout/client'
import { createDatabaseSessions } from '@global-logout/postgres'

const { PORT, SERVICE_URL, SERVICE_KEY, DATABASE_URL } = process.env
const leased = { checks: 'leased', leases: { onError() {} } } as const
const sessions = SERVICE_URL
  ? createClient({ ...leased, url: SERVICE_URL, key: SERVICE_KEY })
  : createDatabaseSessions({ ...leased, connectionString: DATABASE_URL ?? '' })
const UNKNOWN = { headers: { authorization: `Bearer ${'x'.repeat(43)}` } }
let hits = 0

/** Counts the answers that came within this turn of the event loop: nothing was asked for them. */
async function check(request: RequestLike): Promise<Identity | null> {
  let isLater = false
  setImmediate(() => {
    isLater = true
  })
  const identity = await sessions.check(request)
  if (identity && !isLater) hits++
  return identity
}

async function answerTo(request: IncomingMessage): Promise<[status: number, headers: object, body: string]> {
  if (request.url === '/metrics')
    return [200, {}, `global_logout_leased_checks_total{source="memory"} ${hits}\n`]
  try {
    const isProbe = request.url === '/readyz'
    const identity = await check(isProbe ? UNKNOWN : request)
    if (!identity) return [isProbe ? 200 : 401, {}, '']
    return [200, { 'x-user-id': identity.userId, 'x-session-id': identity.sessionId }, '']
  } catch (error) {
    if (error instanceof UndecidedError) return [503, {}, '']
    throw error
  }
}

createServer(async (request, response) => {
  const [status, headers, body] = await answerTo(request)
  response.writeHead(status, { 'content-length': body.length, ...headers }).end(body)
}).listen(Number(PORT), '127.0.0.1')
