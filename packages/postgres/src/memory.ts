/**
 * Checks from memory, for `checks: 'leased'` (`leased.ts`). The first check joins: importing and building an application connects to
 * nothing.
 */
import type { Identity, LeaseOptions } from '@global-logout/client'
import { ActError, inTime } from './acts.ts'
import type { Connection } from './connection.ts'
import { parseDatabaseUrl } from './service.ts'

export interface MemoryOptions {
  /** `leased` answers checks from the memory of this process, and a logout waits for it. `database`, the default, reads at each check. */
  checks?: 'database' | 'leased'
  /**
   * For `leased`: the address of PostgreSQL itself, where `connectionString` leads to a pooler in transaction mode, or where `pool` or `db`
   * is given. As the service's DATABASE_DIRECT_URL.
   */
  directConnectionString?: string
  /** For `leased`: the size of the memory, and what hears that there is no lease. Until there is one, checks are undecided. */
  leases?: LeaseOptions
}

/** What memory is made from. */
interface MemorySource extends MemoryOptions {
  connectionString?: string
  schema: string
  timeoutMs: number
  connection: Connection
  recordUses(sessionIds: string[], activity: boolean): Promise<unknown>
}

/** Calls a function of the database. */
interface Reader {
  read(call: string, values: string[]): Promise<unknown>
}

/** Null where each check reads the database. @throws TypeError */
export function memoryOf(
  { checks = 'database', ...options }: MemoryOptions & Pick<MemorySource, 'connectionString'>,
  { acts, ...rest }: Pick<MemorySource, 'schema' | 'timeoutMs' | 'connection'> & { acts: Reader },
) {
  if (checks !== 'database' && checks !== 'leased') throw new TypeError('checks: must be database or leased')
  if (checks === 'database') return null
  const call = 'record_uses($1::uuid[], $2::boolean)'
  const recordUses = (ids: string[], activity: boolean) =>
    acts.read(call, [`{${ids.join()}}`, String(activity)])
  return createMemory({ ...options, ...rest, recordUses })
}

/** @throws TypeError unless there is an address of PostgreSQL. */
function createMemory(options: MemorySource) {
  const { connectionString, directConnectionString, schema, timeoutMs, connection, recordUses } = options
  const { max = 100_000, onError = logError } = options.leases ?? {}
  const url = directConnectionString ?? connectionString ?? ''
  if (!url)
    throw new TypeError(
      "checks: 'leased' keeps connections of its own, and takes none from pool or db: give directConnectionString as well, the address of PostgreSQL itself.",
    )
  if (!Number.isInteger(max) || max < 1) throw new TypeError('leases.max: must be a whole number, 1 or more')
  requireUrl(url)

  let closed = false
  let started: ReturnType<typeof start> | undefined
  let checks: Awaited<ReturnType<typeof start>> | undefined

  /** In a module of its own, which needs node-postgres and more of Node than a check in the database. */
  async function start() {
    const { startLeasedChecks } = await import('./leased.ts')
    const identify = async (select: string) => (await connection.ask<string>(select, []))[0]
    return startLeasedChecks({
      url,
      schema,
      timeoutMs,
      max,
      recordUses,
      onError,
      identify: url === connectionString ? null : identify,
    })
  }

  /** Starts, where no check has yet. */
  async function findFirst(token: string, activity: boolean) {
    if (closed) throw new Error('the sessions are closed')
    started ??= start()
    // To be tried again: what was missing may have been installed.
    started.catch(() => {
      started = undefined
    })
    checks = await started
    return checks.find(token, activity)
  }

  return {
    /** The identity of a token: at once where memory has it. Null where its session is over, or unknown. @throws ActError */
    find(token: string, activity: boolean): Identity | null | Promise<Identity | null> {
      const found = checks && !closed ? checks.find(token, activity) : findFirst(token, activity)
      if (!(found instanceof Promise)) return identityOf(found)
      return inTime(timeoutMs, () => found).then(identityOf, (error) => {
        throw error instanceof ActError ? error : new ActError(error, true)
      })
    },

    async close(): Promise<void> {
      closed = true
      await (await started?.catch(() => null))?.close()
    },
  }
}

function logError(error: unknown): void {
  console.error('global-logout: no lease, so checks are undecided.', error)
}

/** @throws TypeError for what the service would refuse as DATABASE_URL. */
function requireUrl(url: string): void {
  try {
    parseDatabaseUrl(url)
  } catch (error) {
    const problems = (error as { problems?: string[] }).problems ?? []
    throw new TypeError(`checks: 'leased' needs another connection string: ${problems.join('; ')}`)
  }
}

interface Found {
  userId: string
  sessionId: string
  createdAt: number
  expiresAt: number
}

/** As the service answers over HTTP, in whole seconds. */
function identityOf(found: Found | null): Identity | null {
  if (!found) return null
  const createdAt = new Date(found.createdAt * 1000)
  return {
    userId: found.userId,
    sessionId: found.sessionId,
    createdAt,
    expiresAt: new Date(found.expiresAt * 1000),
    authTime: createdAt,
  }
}
