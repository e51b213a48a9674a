/** What `/leases` and `/check` say to a process that holds a lease. Only what the service itself could have said counts. */
import { type Body, expecting, isBody, isText, keyHeader, problemOf } from './answers.ts'
import { ServiceError } from './errors.ts'
import type { Exchange } from './exchange.ts'
import type { Lifetime } from './lease-memory.ts'
import { type CallerLease, type Cursor, LEASE_MS, type LeaseRequest, type Time } from './shared.ts'

/** A request without an answer after this many milliseconds is given up: one that waits in time for another one before the lease ends. */
const PATIENCE_MS = { waiting: LEASE_MS / 2, other: (LEASE_MS * 2) / 3 }

/** `pg_snapshot` as text. */
const SNAPSHOT = /^\d{1,20}:\d{1,20}:[\d,]*$/

type LeaseBody = Omit<LeaseRequest, 'wait'> & { wait?: boolean; uses?: readonly Use[]; leave?: true }

export interface Use {
  sessionId: string
  activity: boolean
}

/** A lease, with the names of the session cookies that the service reads. */
interface LentLease extends CallerLease {
  cookies: readonly string[]
}

/** What an answer to a check says besides. */
export interface SessionLease extends Lifetime {
  /** The hashed token that was checked. */
  token: string
  /** What had been applied before it was checked. */
  readAfter: Cursor
}

/** @param sleep by which a request is given up. */
export function createLeaseCalls(exchange: Exchange, key: string | undefined, sleep: Time['sleep']) {
  const headers = { ...keyHeader(key), 'content-type': 'application/json' }

  async function post<T>(
    body: LeaseBody,
    again: boolean,
    closed: AbortSignal,
    read: (response: Response) => Promise<T>,
  ): Promise<T> {
    const cut = new AbortController()
    const over = new AbortController()
    const abort = () => cut.abort(closed.reason)
    closed.addEventListener('abort', abort)
    if (closed.aborted) abort()
    sleep(body.wait ? PATIENCE_MS.waiting : PATIENCE_MS.other, over.signal).then(() =>
      cut.abort(new Error('no answer in time')),
    )
    try {
      // On a connection of its own a load balancer may lead to another instance.
      const init = { headers: again ? { ...headers, connection: 'close' } : headers, signal: cut.signal }
      return await read(
        await exchange.open('/leases', { ...init, method: 'POST', body: JSON.stringify(body) }),
      )
    } finally {
      over.abort()
      closed.removeEventListener('abort', abort)
    }
  }

  /** Sends requests until closed. The one after another instance has answered goes over another connection. */
  return (closed: AbortSignal) => {
    let again = false
    async function ask<T>(
      body: LeaseBody,
      read: (response: Response) => Promise<T>,
    ): Promise<T | 'other_instance'> {
      try {
        const answer = await post(body, again, closed, read)
        again = false
        return answer
      } catch (error) {
        again = error instanceof ServiceError && error.code === 'other_instance'
        if (again) return 'other_instance'
        throw error
      }
    }
    return {
      /** @throws ServiceError when there is no lease; what `fetch` throws without an answer. */
      lease: (request: LeaseRequest, uses: readonly Use[]) =>
        ask(
          { ...request, uses },
          expecting(200, (body) => leaseOf(body, request.caller)),
        ),
      leave: ({ caller, instance, cursor }: LeaseRequest, uses: readonly Use[]) =>
        ask({ caller, instance, cursor, uses, leave: true }, async (response) => {
          if (response.status !== 204) throw await problemOf(response)
          return 'left' as const
        }),
    }
  }
}

/** @param asked the caller that asked: what was revoked since the cursor of another one says nothing to this one. */
function leaseOf(body: Body, asked: string): LentLease | undefined {
  const { caller, instance, revoked, ms, cookies } = body
  const cursor = cursorOf(body.cursor)
  if (caller !== asked || !isText(instance) || !cursor || !areTexts(cookies)) return undefined
  if (revoked !== null && !areTexts(revoked)) return undefined
  return isSeconds(ms) && ms <= LEASE_MS ? { instance, cursor, revoked, ms, cookies } : undefined
}

/** @param header `x-session-lease`. */
export function sessionLeaseOf(header: string | null): SessionLease | undefined {
  if (!header) return undefined
  const body = parsed(header)
  const readAfter = cursorOf(body)
  if (!isBody(body) || !readAfter || !isText(body.token)) return undefined
  const { token, seconds, touch, passive, interval } = body
  return isSeconds(seconds) && isSeconds(touch) && isSeconds(passive) && isSeconds(interval)
    ? { token, readAfter, seconds, touch, passive, interval }
    : undefined
}

function cursorOf(value: unknown): Cursor | undefined {
  if (!isBody(value)) return undefined
  const { server, snapshot } = value
  return isText(server) && isText(snapshot) && SNAPSHOT.test(snapshot) ? { server, snapshot } : undefined
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const isSeconds = (value: unknown): value is number => Number.isFinite(value) && Number(value) >= 0
const areTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText)
