/** A service that lends leases, in simulated time: the real granting side behind `fetch`, as HTTP says it. */
import { setImmediate } from 'node:timers/promises'
import { createAskCheck } from '../../packages/client/src/check.ts'
import { createExchange } from '../../packages/client/src/exchange.ts'
import type { LeaseOptions } from '../../packages/client/src/lease-options.ts'
import { createLeases } from '../../packages/client/src/leases.ts'
import type { HashToken } from '../../packages/client/src/token-hash.ts'
import { hashToken } from '../../src/database/token-hash.ts'
import { createGrants } from '../../src/leases/grants.ts'
import { RENEW_MS } from '../../src/leases/lease.ts'
import type { LeaseRequest } from '../../src/leases/messages.ts'
import type { Time } from '../../src/lib/sleep.ts'

export type FakeTime = ReturnType<typeof fakeTime>

/** Time that passes only by `advance` and `jump`. */
export function fakeTime() {
  let now = 0
  const sleepers = new Set<{ at: number; wake: () => void }>()
  const settle = async () => {
    for (let turn = 0; turn < 8; turn++) await setImmediate()
  }
  const time: Time = {
    clock: () => now,
    sleep: (ms, signal) =>
      new Promise<void>((done) => {
        const wake = () => {
          sleepers.delete(sleeper)
          done()
        }
        const sleeper = { at: now + ms, wake }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', wake)
        if (signal?.aborted) wake()
      }),
  }
  return {
    ...time,
    settle,
    /** Time passes, and what is due happens. */
    async advance(ms: number): Promise<void> {
      const end = now + ms
      for (;;) {
        await settle()
        const [next] = [...sleepers].sort((a, b) => a.at - b.at)
        if (!next || next.at > end) break
        now = Math.max(now, next.at)
        next.wake()
      }
      now = end
    },
    /** Time passes, and nothing happens: as in a process that is frozen. */
    jump(ms: number): void {
      now += ms
    },
  }
}

const PROBLEM = { 'content-type': 'application/problem+json' }
export const problem = (status: number, code: string, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify({ type: `urn:global-logout:problem:${code}`, code, status, detail: code }), {
    status,
    headers: { ...PROBLEM, ...headers },
  })

export type FakeInstance = ReturnType<typeof fakeInstance>

/** An instance, which renews its own lease every second. */
export function fakeInstance(time: FakeTime, server = 'one') {
  const grants = createGrants(null, time.clock, time.clock, { suspendedMs: 0 })
  let snapshot = 10
  const sessions = new Map<string, { userId: string; seconds: number }>()
  let tell = Promise.withResolvers<void>()
  const text = () => `${snapshot}:${snapshot}:`
  const happen = () => {
    tell.resolve()
    tell = Promise.withResolvers()
  }
  grants.begin({ server, snapshot: text() })
  async function run(): Promise<void> {
    for (;;) {
      const now = time.clock()
      if (!grants.extend(now, now)) {
        grants.begin({ server, snapshot: text() })
        grants.extend(now, now)
      }
      happen()
      await time.sleep(RENEW_MS)
    }
  }
  void run()

  const bodies: (LeaseRequest & { uses: unknown[]; leave?: boolean })[] = []
  const fake = {
    grants,
    sessions,
    /** Of requests for leases, and how many checks there were. */
    bodies,
    checks: 0,
    cookies: ['sid'],
    /** Answers in place of the instance. */
    instead: null as ((path: string, init: RequestInit) => Response | Promise<Response> | null) | null,
    /** Before each answer. */
    delay: async (_path: string) => {},

    /** Ends sessions. @returns whether the logout may be answered. */
    revoke(...tokens: string[]): () => boolean {
      for (const token of tokens) sessions.delete(token)
      snapshot++
      const shown = text()
      grants.evict(tokens.map(hashToken), shown)
      happen()
      return () => Number.parseInt(grants.acknowledged(), 10) >= Number.parseInt(shown, 10)
    },

    async lease(body: (typeof bodies)[number]): Promise<Response> {
      bodies.push(body)
      if (body.leave) {
        grants.leave(body.caller)
        return new Response(null, { status: 204 })
      }
      const next = tell.promise
      const lent = grants.grant(body)
      const isNew = typeof lent === 'object' && lent.revoked?.length !== 0
      if (body.wait && !isNew) await next
      const lease = isNew ? lent : grants.grant(body)
      if (lease === 'other_instance') return problem(409, lease)
      if (typeof lease === 'string') return problem(503, lease, { 'retry-after': '1' })
      return Response.json({ caller: body.caller, ...lease, cookies: fake.cookies })
    },

    check(headers: Record<string, string>): Response {
      fake.checks++
      const cursor = grants.cursor
      const token = /(?:sid=|Bearer )([^;]+)/.exec(headers.authorization ?? headers.cookie ?? '')?.[1] ?? ''
      const found = sessions.get(token)
      if (!found) return problem(401, 'invalid_token')
      const lifetime = { seconds: found.seconds, touch: 60, passive: 60, interval: 60 }
      const lease = JSON.stringify({ token: hashToken(token), ...cursor, ...lifetime })
      return new Response(null, {
        headers: {
          'x-user-id': found.userId,
          'x-session-id': `id-${token}`,
          'x-session-created': '1795000000',
          'x-session-expires': '1795600000',
          ...(headers['x-lease'] === '1' && { 'x-session-lease': lease }),
        },
      })
    },
  }
  return fake
}

type Answer = (path: string, init: RequestInit) => Promise<Response>

/** A caller whose requests get these answers. */
export function callerOf(
  time: FakeTime,
  answer: Answer,
  options: LeaseOptions = {},
  hash: HashToken = hashToken,
) {
  const aborted = (signal: AbortSignal) =>
    new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason))
      if (signal.aborted) reject(signal.reason)
    })
  const fetch = async (url: string, init: RequestInit) =>
    Promise.race([answer(new URL(url).pathname, init), aborted(init.signal as AbortSignal)])
  const exchange = createExchange({ url: 'http://service', fetch: fetch as typeof globalThis.fetch })
  return createLeases(exchange, 'glk_key', createAskCheck(exchange), options, { ...time, hash })
}

/** A caller whose requests reach the instance that `route` names. */
export function fakeCaller(time: FakeTime, route: () => FakeInstance, options: LeaseOptions = {}) {
  const errors: unknown[] = []
  /** The headers of requests for leases. */
  const sent: Record<string, string>[] = []
  const leases = callerOf(
    time,
    async (path, init) => {
      const instance = route()
      const headers = init.headers as Record<string, string>
      if (path === '/leases') sent.push(headers)
      const other = await instance.instead?.(path, init)
      if (other) return other
      const response =
        path === '/leases' ? await instance.lease(JSON.parse(String(init.body))) : instance.check(headers)
      await instance.delay(path)
      return response
    },
    { onError: (error) => errors.push(error), ...options },
  )
  return {
    ...leases,
    errors,
    sent,
    /** The user of a request with this cookie; null when it is refused. */
    async check(token: string, headers: Record<string, string> = {}): Promise<string | null> {
      const verdict = await leases.verdict({ headers: { cookie: `sid=${token}`, ...headers } })
      return verdict.identity?.userId ?? null
    },
  }
}
