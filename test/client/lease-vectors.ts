/** Plays `docs/leases-vectors.json` with the client: its own requests, and the answers of the file. */
import { readFile } from 'node:fs/promises'
import { callerOf, fakeTime, problem } from './fake-leases.ts'

interface Event {
  at: number
  sends?: Record<string, unknown>
  receives?: { status: number; body: object; retryAfter?: number } | null
  then?: 'at once' | 'pause'
  checks?: string
  answers?: 'memory' | 'ask'
  told?: string
  status?: number
  session?: string
  lease?: string
  leaves?: true
}

interface Vectors {
  hashes: { token: string; hash: string }[]
  snapshots: { read: string; cursor: string; covers: boolean }[]
  clocks: { name: string; readings: { monotonic: number; wall: number; passed: [number, number] }[] }[]
  credentials: {
    cookies: string[]
    requests: { cookie?: string; authorization?: string; token: string | null }[]
  }
  callers: { name: string; events: Event[] }[]
}

export const vectors: Vectors = JSON.parse(
  await readFile(new URL('../../docs/leases-vectors.json', import.meta.url), 'utf8'),
)

/** A request that has no answer yet. */
interface Asked {
  request: RequestInit
  answer: PromiseWithResolvers<Response>
}

/** @returns what differs from the sequence; null when nothing does. */
export async function play(events: readonly Event[]): Promise<string | null> {
  const time = fakeTime()
  const leases: Asked[] = []
  const checks: Asked[] = []
  const caller = callerOf(
    time,
    (path, request) => {
      const answer = Promise.withResolvers<Response>()
      const asked = path === '/leases' ? leases : checks
      asked.push({ request, answer })
      return answer.promise
    },
    { onError: () => {} },
  )
  const tokenOf = ({ request }: Asked) => (request.headers as Record<string, string>).authorization?.slice(7)
  // The first check makes it ask for a lease.
  await caller.verdict({ headers: {} })

  for (const [index, event] of events.entries()) {
    time.jump(event.at - time.clock())
    const differs = async () => {
      if (event.sends) {
        // It has paused until now.
        if (leases.length === 0) await time.advance(0)
        const body = leases[0] && JSON.parse(String(leases[0].request.body))
        for (const [name, value] of Object.entries(event.sends))
          if (JSON.stringify(body?.[name]) !== JSON.stringify(value)) return `sent ${JSON.stringify(body)}`
      } else if (event.receives !== undefined) {
        const { answer } = leases.shift() as Asked
        if (event.receives === null) answer.reject(new TypeError('no answer'))
        else answer.resolve(responseOf(event.receives))
        await time.settle()
        const next = leases.length > 0 ? 'at once' : 'pause'
        if (event.then && event.then !== next) return next
      } else if (event.checks) {
        const before = checks.length
        const headers = { authorization: `Bearer ${event.checks}` }
        void Promise.resolve(caller.verdict({ headers })).catch(() => {})
        await time.settle()
        const answers = checks.length > before ? 'ask' : 'memory'
        if (event.answers !== answers) return answers
      } else if (event.told) {
        const asked = checks.find((each) => tokenOf(each) === event.told) as Asked
        checks.splice(checks.indexOf(asked), 1)
        asked.answer.resolve(toldBy(event))
        await time.settle()
      } else if (event.leaves) {
        void caller.close()
        await time.settle()
      }
      return null
    }
    const found = await differs()
    if (found) return `event ${index + 1}, ${JSON.stringify(event)}: ${found}`
  }
  return null
}

function responseOf({ status, body, retryAfter }: NonNullable<Event['receives']>): Response {
  if (status === 200) return Response.json(body)
  const headers: Record<string, string> =
    retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }
  return problem(status, (body as { code: string }).code, headers)
}

function toldBy({ status = 0, session = '', lease }: Event): Response {
  if (status !== 200) return problem(status, status === 401 ? 'invalid_token' : 'unavailable')
  const headers = {
    'x-user-id': 'ada',
    'x-session-id': session,
    'x-session-created': '1795000000',
    'x-session-expires': '1795600000',
  }
  return new Response(null, {
    headers: { ...headers, ...(lease !== undefined && { 'x-session-lease': lease }) },
  })
}
