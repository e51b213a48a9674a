/**
 * Checks from memory. The process of the application is an instance, with the code of the service: it answers from memory while it holds
 * a lease, else from the server that granted the lease, else not at all. A logout waits for it (ARCHITECTURE.md, "Leases").
 *
 * It needs three kinds of connections past any pooler: one for the lease, one that listens, and up to three that read.
 */
import { ActError } from './acts.ts'
import { createInstanceStore, type Query } from './instance-store.ts'
import { loadPg } from './pg.ts'
import {
  completeTimeouts,
  createFence,
  createInstance,
  createLastSeen,
  createOnClient,
  createPool,
  createSessionCache,
  createSharedListener,
  type Fence,
  keepLease,
  leaseClock,
  leasedChecker,
  POOLS,
  READ_SESSIONS,
  REVOKED,
  readTokens,
  refuseTransactionPooler,
  SERVER_ID,
  silentLog,
  sleep,
  WrongAddress,
  withSchema,
} from './service-leases.ts'

export interface LeasedOptions {
  /** Of PostgreSQL itself. */
  url: string
  schema: string
  /** Milliseconds that a read may take, the wait for the first lease included. */
  timeoutMs: number
  /** Most sessions in memory. */
  max: number
  /** Records uses of sessions. */
  recordUses(sessionIds: string[], activity: boolean): Promise<unknown>
  /** Asks the database of the other acts, where that has an address of its own: for its `SERVER_ID` and name. */
  identify: ((select: string) => Promise<string | undefined>) | null
  /** There is no lease any more, or none yet. Called again only after there was one. */
  onError(error: unknown): unknown
}

const ACTIVITY = { activity: true }
const NO_ACTIVITY = { activity: false }
const ADVICE =
  "checks: 'leased' needs an address that leads to PostgreSQL itself, or to session mode: give it as directConnectionString."
/** Milliseconds between two looks at an address that leads to a pooler. */
const VERIFY_MS = 10_000
const IDENTITY = `pg_catalog.concat_ws(' ', ${SERVER_ID}, pg_catalog.current_database())`

/** @throws MissingPackage */
export async function startLeasedChecks(options: LeasedOptions) {
  const { schema, timeoutMs, max, recordUses, identify, onError } = options
  await loadPg(", which checks: 'leased' needs")
  const url = withSchema(options.url, schema)
  const time = { clock: leaseClock(), sleep }
  const { clock } = time
  const fence = createFence()
  const lease = openPool(url, { max: 1, deadlineMs: POOLS.lease.deadlineMs })
  const reads = openPool(url, { max: POOLS.checks.max, deadlineMs: timeoutMs, genericPlans: true, fence })
  const lastSeen = createLastSeen(recordUses, silentLog)
  const cache = createSessionCache(max)
  const load = (hashes: string[]) => readTokens(reads.query, hashes, READ_SESSIONS)
  const checker = leasedChecker(load, lastSeen, cache, time)

  const store = createInstanceStore(lease.query)
  const requireDirect = once(() => refuseTransactionPooler(url, ADVICE))
  const instance = createInstance(
    {
      ...store,
      async add(id) {
        await requireDirect()
        await store.add(id)
      },
      async begin() {
        await requireSameServer()
        return store.begin()
      },
    },
    cache,
    clock,
  )

  /** A logout that is committed elsewhere would not reach this instance. */
  async function requireSameServer(): Promise<void> {
    if (!identify) return
    const [[own] = []] = await lease.query<[string]>({
      name: 'identify',
      text: `select ${IDENTITY}`,
      values: [],
    })
    const other = await identify(`select pg_catalog.to_json(${IDENTITY})::text as answer`)
    if (own !== other) throw new OtherServer()
  }

  let isTold = false
  const holder = keepLease(instance, time, {
    leased(server) {
      isTold = false
      fence.open({ server, holds: () => cache.holds(clock()) })
    },
    lost(error) {
      fence.close(error)
      if (error) lease.tryOtherHost()
      if (isTold) return
      isTold = true
      // An error of the application ends no lease.
      queueMicrotask(() => onError(error ?? new Error('the lease expired, or the database changed')))
    },
  })
  const subscription = createSharedListener(url, REVOKED).subscribe(holder.wake)

  return {
    /** The session of a token: at once where memory has it. Null where it is over, or unknown. @throws ActError */
    find(token: string, activity: boolean) {
      const verdict = checker.check(token, activity ? ACTIVITY : NO_ACTIVITY)
      if (!(verdict instanceof Promise)) return verdict.valid ? verdict : null
      return verdict.then(
        (found) => (found.valid ? found : null),
        (error) => {
          throw new ActError(error.cause ?? error, true)
        },
      )
    },

    /** Stops answering, and removes the row of this instance, so that no logout waits for it. */
    async close(): Promise<void> {
      fence.close(new Error('the sessions are closed'))
      await Promise.all([holder.close(), subscription.close(), lastSeen.close()])
      await Promise.all([lease.close(), reads.close()])
    },
  }
}

/** Verifies until it succeeds. That a pooler is in between holds for ten seconds, because the instance tries to join twice a second. */
function once(verify: () => Promise<void>): () => Promise<void> {
  let verified: Promise<void> | undefined
  const forget = () => {
    verified = undefined
  }
  return () => {
    verified ??= verify().catch((error) => {
      if (error instanceof WrongAddress) setTimeout(forget, VERIFY_MS).unref()
      else forget()
      throw error
    })
    return verified
  }
}

/** The two addresses lead to different servers or databases. */
class OtherServer extends Error {
  readonly detail = 'directConnectionString leads to another server or database than the other connection.'
  readonly advice = 'A sign-out there would not reach this process. After a failover this passes.'

  constructor() {
    super('directConnectionString leads elsewhere than the other connection')
    this.name = 'OtherServer'
  }
}

interface PoolOptions {
  max: number
  deadlineMs: number
  genericPlans?: boolean
  fence?: Fence
}

function openPool(url: string, { max, deadlineMs, genericPlans = false, fence }: PoolOptions) {
  const timeouts = completeTimeouts(deadlineMs)
  const connections = createPool(url, { max, log: silentLog, connectMs: deadlineMs, timeouts, genericPlans })
  const onClient = createOnClient({ connections, deadlineMs, fence })
  const query: Query = <Row extends unknown[]>(statement: Parameters<Query>[0]) =>
    onClient(async (client) => {
      const { rows } = await client.query({ ...statement, rowMode: 'array' })
      return rows as unknown[] as Row[]
    })
  return { query, tryOtherHost: connections.tryOtherHost, close: () => connections.pool.end() }
}
