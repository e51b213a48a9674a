/**
 * `Sessions` on the database: each act is one call of a function of `migrations/0003_applications.sql`. A logout resolves when it is
 * committed, and when no instance of the service can answer "valid" from memory any more.
 */
import {
  type CreatedSession,
  type Identity,
  type LogoutOutcome,
  NotSignedOutError,
  type RequestLike,
  ServiceError,
  type Sessions,
} from '@global-logout/client'
import { type Acts, createActs } from './acts.ts'
import {
  type Connection,
  type DrizzleDatabase,
  onConnectionString,
  onPool,
  type PoolLike,
} from './connection.ts'
import { type CookieOptions, sessionCookie } from './cookie.ts'
import { onDrizzle } from './drizzle.ts'
import { invalidToken, problemOf, requireScope, requireValid, sessionOver, undecided } from './problems.ts'
import {
  createBarrier,
  credentialsOf,
  deviceColumns,
  generateSessionToken,
  hashToken,
  isActivity,
  readCredential,
} from './service.ts'

export interface DatabaseSessionsOptions extends CookieOptions {
  /** One of three: of the database that has our schema. A string makes a pool of ten connections, which `close` ends. */
  connectionString?: string
  pool?: PoolLike
  db?: DrizzleDatabase
  /** The service's DATABASE_SCHEMA: `global_logout` by default. */
  schema?: string
  /** Limit of each act in milliseconds, 2000 by default. A logout may take 3.3 s more, as with the service. */
  timeoutMs?: number
}

export interface DatabaseSessions extends Sessions {
  /** Ends the pool of `connectionString`. */
  close(): Promise<void>
}

const SCHEMA = /^(?!pg_)[a-z_][a-z0-9_]{0,62}$/
const CHANNEL = 'global_logout_revoked'
/** Longest timeout, in milliseconds: timers do not support more. */
const LONGEST = 2 ** 31 - 1

/**
 * @throws TypeError unless exactly one of `connectionString`, `pool` and `db` is given and usable, and for an invalid `schema`,
 * `timeoutMs` or cookie.
 */
export function createDatabaseSessions(options: DatabaseSessionsOptions): DatabaseSessions {
  const { schema = 'global_logout', timeoutMs = 2000 } = options
  if (!SCHEMA.test(schema)) throw new TypeError('schema: must be a name such as global_logout')
  if (!Number.isInteger(timeoutMs) || timeoutMs < 1 || timeoutMs > LONGEST)
    throw new TypeError(`timeoutMs: must be a whole number of milliseconds from 1 to ${LONGEST}`)
  const cookie = sessionCookie(options)
  const connection = connectionOf(options, timeoutMs)
  const acts = createActs(connection, schema, timeoutMs)
  const barrier = barrierOf(acts)

  /** The token of a request, or null. Two cookies of one name that differ are none. */
  function tokenOf(request: RequestLike): string | null {
    const found = readCredential(credentialsOf(request), cookie.names)
    return found.kind === 'token' ? found.token : null
  }

  /** Runs an act, with its failure as an error of this kind. */
  const run = <Answer>(text: string, values: (string | null)[], Kind: typeof ServiceError) =>
    acts.run<Answer>(text, values).catch((error) => {
      throw problemOf(error, Kind)
    })

  return {
    async check(request): Promise<Identity | null> {
      const token = tokenOf(request)
      if (!token) return null
      const values = [hashToken(token), String(isActivity(credentialsOf(request)))]
      const [row] = await acts
        .read<SessionRow>('use_session($1::text, $2::boolean)', values)
        .catch((error) => {
          throw undecided(error)
        })
      return row ? identityOf(row) : null
    },

    async create(session): Promise<CreatedSession> {
      requireValid(session)
      const { user, replaces, takeOver } = session
      const { id, ...profile } = user
      const token = takeOver ? takeOver.token : generateSessionToken()
      const { userAgent, ipAddress } = deviceOf(session)
      const who = [hashToken(token), id]
      const what = [JSON.stringify(profile), userAgent, ipAddress]
      const made = await (takeOver
        ? run<Made>(
            'take_over($1::text, $2::text, $3::timestamptz, $4::jsonb, $5::text, $6::inet)',
            [...who, takeOver.expires.toISOString(), ...what],
            ServiceError,
          )
        : run<Made>(
            'sign_in($1::text, $2::text, $3::jsonb, $4::text, $5::inet, $6::text)',
            [...who, ...what, replaces ? hashToken(replaces) : null],
            ServiceError,
          ))
      if (made.session_id === null) throw sessionOver(made.outcome)
      if (replaces) await barrier.wait(made.xid)
      return {
        token,
        sessionId: made.session_id,
        expiresAt: new Date(made.expires_at),
        cookie: structuredClone(cookie.created),
      }
    },

    async logout(request, { scope = 'local' } = {}): Promise<LogoutOutcome> {
      requireScope(scope)
      const token = tokenOf(request)
      if (token === null) throw invalidToken()
      const { userAgent, ipAddress } = deviceOf({
        userAgent: credentialsOf(request)['user-agent'],
        ipAddress: request.ip,
      })
      const values = [hashToken(token), scope, userAgent, ipAddress]
      const call = 'sign_out($1::text, $2::text, $3::text, $4::inet)'
      const done = await run<SignedOut>(call, values, NotSignedOutError)
      if (!done.ended) throw invalidToken()
      await barrier.wait(done.xid)
      return { operationId: done.operation_id, revoked: done.revoked.map(endedOf) }
    },

    async removeUser(userId): Promise<void> {
      if (typeof userId !== 'string' || userId === '') throw new TypeError('userId: must be a text')
      const { xid } = await run('delete_user($1::text)', [userId], NotSignedOutError)
      await barrier.wait(xid)
    },

    close: connection.close,
  }
}

function connectionOf(
  { connectionString, pool, db }: DatabaseSessionsOptions,
  timeoutMs: number,
): Connection {
  if ([connectionString, pool, db].filter(Boolean).length !== 1)
    throw new TypeError('Give one of connectionString, pool and db.')
  if (db) return onDrizzle(db)
  if (pool) return onPool(pool, timeoutMs)
  return onConnectionString(connectionString ?? '', timeoutMs)
}

/** The service's own barrier, on the rights of an application. */
function barrierOf(acts: Acts) {
  const lagging = `lagging_instances(pg_catalog.string_to_array($1::text, ','::text))`
  return createBarrier({
    async laggingInstances(xids) {
      const found = await acts.read<{ xid: string; id: string; beat: number }>(lagging, [xids.join()])
      return xids.map((xid) => found.filter((row) => row.xid === xid))
    },
    notify: () => acts.notify(CHANNEL),
    // Only the service looks for dead instances.
    instances: async () => [],
    removeDeadInstance: async () => {},
  })
}

function deviceOf({
  userAgent = null,
  ipAddress = null,
}: {
  userAgent?: string | null | undefined
  ipAddress?: string | null | undefined
}) {
  return deviceColumns({ userAgent, ipAddress })
}

interface SessionRow {
  user_id: string
  session_id: string
  created_at: string
  ends_at: string
}

interface Made {
  /** Null where a session was not taken over: then `outcome` is why. */
  session_id: string | null
  expires_at: string
  outcome?: string
}

interface SignedOut {
  ended: boolean
  operation_id: string | null
  revoked: {
    id: string
    createdAt: string
    lastSeenAt: string
    userAgent: string | null
    ipAddress: string | null
  }[]
}

function identityOf({ user_id, session_id, created_at, ends_at }: SessionRow): Identity {
  const createdAt = new Date(created_at)
  return {
    userId: user_id,
    sessionId: session_id,
    createdAt,
    expiresAt: new Date(ends_at),
    authTime: createdAt,
  }
}

function endedOf({ createdAt, lastSeenAt, ...rest }: SignedOut['revoked'][number]) {
  return { ...rest, createdAt: new Date(createdAt), lastSeenAt: new Date(lastSeenAt) }
}
