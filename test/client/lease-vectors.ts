/**
 * Plays `docs/leases-vectors.json` with the client: its own requests, and the answers of the file. And with the service's side. Loaded
 * with a mistake (`lease-mistakes.ts`), it plays with modules that make it.
 */
import { readFile } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import { credentialsOf } from '../../packages/client/src/credentials.ts'
import { onlyToken } from '../../packages/client/src/only-token.ts'
import { webHash } from '../../packages/client/src/token-hash.ts'
import { isBefore, parseSnapshot } from '../../src/database/snapshots.ts'
import { createGrants } from '../../src/leases/grants.ts'
import { leaseClock } from '../../src/leases/lease.ts'
import type { Cursor } from '../../src/leases/messages.ts'
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

interface InstanceEvent {
  at: number
  begins?: Cursor
  extends?: number
  reads?: Cursor
  revoked?: string[]
  acknowledges?: string
  asks?: string
  cursor?: Cursor | null
  refuses?: string
  grants?: { cursor: Cursor; revoked: string[] | null; msAtMost: number }
}

interface Sequence<E> {
  name: string
  catches?: string[]
  events: E[]
}

interface Vectors {
  mistakes: Record<string, string>
  hashes: { token: string; hash: string }[]
  snapshots: { read: string; cursor: string; covers: boolean }[]
  clocks: { name: string; readings: { monotonic: number; wall: number; passed: [number, number] }[] }[]
  credentials: {
    cookies: string[]
    requests: { cookie?: string; authorization?: string; token: string | null }[]
  }
  callers: Sequence<Event>[]
  instances: Sequence<InstanceEvent>[]
}

export const vectors: Vectors = JSON.parse(
  await readFile(new URL('../../docs/leases-vectors.json', import.meta.url), 'utf8'),
)

/** Each vector by its name, with what plays it: null when nothing differs. */
function* plays(): Generator<[name: string, play: () => unknown]> {
  for (const { name, events } of vectors.callers) yield [name, () => play(events)]
  for (const { name, events } of vectors.instances) yield [name, () => playInstance(events)]
  for (const { name, readings } of vectors.clocks) yield [name, () => playClock(readings)]
  for (const { token, hash } of vectors.hashes)
    yield [token, async () => ((await webHash(token)) === hash ? null : 'another hash')]
  for (const { read, cursor, covers } of vectors.snapshots) {
    const covered = () => !isBefore(parseSnapshot(read), parseSnapshot(cursor))
    yield [`${read} and ${cursor}`, () => (covered() === covers ? null : !covers)]
  }
  for (const { token, ...headers } of vectors.credentials.requests) {
    const only = () => onlyToken(credentialsOf({ headers }), vectors.credentials.cookies)
    yield [JSON.stringify(headers), () => (only() === token ? null : only())]
  }
}

/** @param names of the vectors to play: all by default. @returns what differs, by name. */
export async function failures(names?: readonly string[]): Promise<Map<string, unknown>> {
  const found = new Map<string, unknown>()
  for (const [name, play] of plays()) {
    const difference = !names || names.includes(name) ? await play() : null
    if (difference !== null) found.set(name, difference)
  }
  return found
}

/** A request that has no answer yet. */
interface Asked {
  request: RequestInit
  answer: PromiseWithResolvers<Response>
}

/** @returns what differs from the sequence; null when nothing does. */
async function play(events: readonly Event[]): Promise<string | null> {
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
      if (event.leaves) {
        leases.length = 0
        void caller.close()
        await time.settle()
      }
      if (event.sends) {
        // It has paused until now.
        if (leases.length === 0) await time.advance(0)
        const body = leases[0] && JSON.parse(String(leases[0].request.body))
        for (const [name, value] of Object.entries(event.sends))
          if (JSON.stringify(body?.[name]) !== JSON.stringify(value)) return `sent ${JSON.stringify(body)}`
      } else if (event.receives !== undefined) {
        const { answer, request } = leases.shift() as Asked
        const { caller } = JSON.parse(String(request.body))
        if (event.receives === null) answer.reject(new TypeError('no answer'))
        else answer.resolve(responseOf(event.receives, caller))
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
      }
      return null
    }
    const found = await differs()
    if (found) return `event ${index + 1}, ${JSON.stringify(event)}: ${found}`
  }
  return null
}

function responseOf({ status, body, retryAfter }: NonNullable<Event['receives']>, caller: string): Response {
  if (status === 200) return Response.json({ caller, ...body })
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

function playInstance(events: readonly InstanceEvent[]): unknown {
  let now = 0
  const grants = createGrants(
    null,
    () => now,
    () => now,
  )
  for (const { at, asks, cursor = null, refuses, ...event } of events) {
    now = at
    if (event.begins) grants.begin(event.begins)
    if (event.extends !== undefined) grants.extend(event.extends, now)
    if (event.reads) grants.evict(event.revoked ?? [], event.reads.snapshot)
    if (event.acknowledges && event.acknowledges !== grants.acknowledged()) return { at, ...event }
    if (!asks) continue
    const answer = grants.grant({ caller: asks, key: 'shop', instance: null, cursor })
    if (typeof answer === 'string' || !event.grants) {
      if (answer !== refuses) return { at, answer }
      continue
    }
    const { msAtMost, ...expected } = event.grants
    const { instance: _, ms, ...granted } = answer
    // Numbers of the file are rounded.
    if (ms > msAtMost + 0.001 || !isDeepStrictEqual(granted, expected)) return { at, answer }
  }
  return null
}

function playClock(readings: Vectors['clocks'][number]['readings']): unknown {
  let reading = { monotonic: 0, wall: 0 }
  const clock = leaseClock(
    () => reading.monotonic,
    () => reading.wall,
  )
  const begun = clock()
  for (const { passed, ...next } of readings) {
    reading = next
    const [least, most] = passed
    const found = clock() - begun
    if (found < least || found > most) return { next, found }
  }
  return null
}
