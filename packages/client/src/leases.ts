/**
 * Checks from the memory of this process, under a lease from the service: once a logout has answered, the memory does not answer "valid"
 * for the sessions that it ended. Without a lease every check asks.
 */
import { runDetached } from './built-ins.ts'
import type { AskCheck, Verdict } from './check.ts'
import { type Credentials, credentialsOf, type RequestLike } from './credentials.ts'
import { ServiceError } from './errors.ts'
import type { Exchange } from './exchange.ts'
import { createLeaseCalls, sessionLeaseOf } from './lease-calls.ts'
import { createLeaseMemory, KeptSession } from './lease-memory.ts'
import type { LeaseOptions } from './lease-options.ts'
import { onlyToken } from './only-token.ts'
import {
  createCaller,
  isActivity,
  keepCallerLease,
  LEASE_MS,
  leaseClock,
  sleep as realSleep,
  type Time,
} from './shared.ts'
import { type HashToken, tokenHash } from './token-hash.ts'
import { createUses } from './uses.ts'

/** How long a refusal lasts that a person has to mend, in milliseconds: a key without the scope, a service without leases. */
const REFUSED_MS = 30_000
/** The longest `Retry-After` that counts, in milliseconds. */
const LONGEST_RETRY_MS = 60_000

const logError = (error: unknown) =>
  console.error('global-logout: no lease, so each check asks the service.', error)

interface Platform extends Time {
  hash: HashToken
}

/** Asks for the first lease with the first check. @throws TypeError without a key, and for an invalid `max`. */
export function createLeases(
  exchange: Exchange,
  key: string | undefined,
  ask: AskCheck,
  { max = 100_000, onError = logError }: LeaseOptions = {},
  { clock, sleep, hash }: Platform = { clock: leaseClock(), sleep: realSleep, hash: tokenHash() },
) {
  if (!Number.isInteger(max) || max < 1) throw new TypeError('leases.max: must be a whole number, 1 or more')
  const closing = new AbortController()
  const calls = createLeaseCalls(exchange, key, sleep)
  const memory = createLeaseMemory(max)
  const caller = createCaller(memory, clock)
  const uses = createUses()
  /** Null until the first lease. */
  let cookies: readonly string[] | null = null
  let holder: ReturnType<typeof keepCallerLease> | undefined
  /** Of the service: between two uses of a session that are told, in seconds. */
  let interval = 0
  let reported = false

  function start() {
    const { lease } = calls(closing.signal)
    return keepCallerLease(
      caller,
      async (request) => {
        const lent = await uses.tell((due) => lease(request, due))
        if (lent !== 'other_instance') cookies = lent.cookies
        return lent
      },
      { clock, sleep },
      {
        leased() {
          reported = false
        },
        failed(error) {
          if (reported || closing.signal.aborted || caller.holds(clock())) return
          reported = true
          // What it throws ends no renewal.
          queueMicrotask(() => onError(error))
        },
      },
      { waits: true, retryMs },
    )
  }

  function tellUse(session: KeptSession, credentials: Credentials, now: number): void {
    const activity = isActivity(credentials)
    if (session.isDue(now, activity) && uses.add(session.sessionId, activity))
      session.told(now, activity, interval)
  }

  function answer(request: RequestLike, credentials: Credentials, key: string): Verdict | Promise<Verdict> {
    const now = clock()
    const found = caller.holds(now) ? memory.find(key, now) : undefined
    if (!found) return askAndKeep(request, key, now)
    if (found.isAnyDue(now)) tellUse(found, credentials, now)
    return { identity: found.identity() }
  }

  const askAndKeep = (request: RequestLike, key: string, askedAt: number) =>
    ask(request, { 'x-lease': '1' }, (identity, headers) => {
      const lease = sessionLeaseOf(headers.get('x-session-lease'))
      // A token that the service read in another way is not this one.
      if (lease?.token !== key || !caller.mayKeep(lease.readAfter)) return
      interval = lease.interval
      memory.keep(key, new KeptSession(identity, lease, askedAt))
    })

  return {
    /** Synchronous from memory. @throws UndecidedError */
    verdict(request: RequestLike): Verdict | Promise<Verdict> {
      if (!holder && !closing.signal.aborted) holder = runDetached(start)
      const credentials = credentialsOf(request)
      const token = cookies && onlyToken(credentials, cookies)
      if (token === null) return ask(request)
      const key = hash(token)
      return typeof key === 'string'
        ? answer(request, credentials, key)
        : key.then((key) => answer(request, credentials, key))
    },

    /** Gives the lease back, and tells the last uses: no logout waits for this process any more. From now on every check asks. */
    async close(): Promise<void> {
      closing.abort(new Error('the client is closed'))
      await holder?.close()
      const [late, left] = [new AbortController(), new AbortController()]
      // Without an answer the lease ends by itself.
      void sleep(LEASE_MS, left.signal).then(() => late.abort(new Error('no answer in time')))
      const { leave } = calls(late.signal)
      await caller.leave((request) => uses.tell((due) => leave(request, due))).catch(() => {})
      left.abort()
    },
  }
}

function retryMs(error: unknown): number {
  if (!(error instanceof ServiceError)) return 0
  const { status, retryAfterSeconds } = error
  if (retryAfterSeconds !== undefined) return Math.min(retryAfterSeconds * 1000, LONGEST_RETRY_MS)
  return status < 500 ? REFUSED_MS : 0
}
