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
import { type MemoryOptions, memoryOf } from './memory.ts'
import {
  halfSignedOut,
  invalidToken,
  problemOf,
  requireScope,
  requireValid,
  sessionOver,
  undecided,
} from './problems.ts'
import { endedOf, identityOf, type Made, type SessionRow, type SignedOut } from './rows.ts'
import {
  createBarrier,
  credentialsOf,
  deviceColumns,
  generateSessionToken,
  hashToken,
  isActivity,
  otherTokens,
  profileText,
  REVOKED,
  readCredential,
} from './service.ts'

export interface DatabaseSessionsOptions extends CookieOptions, MemoryOptions {
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
  /** Ends the pool of `connectionString`, and the lease of `checks: 'leased'`. */
  close(): Promise<void>
}

const SCHEMA = /^(?!pg_)[a-z_][a-z0-9_]{0,62}$/
/** Longest timeout, in milliseconds: timers do not support more. */
const LONGEST = 2 ** 31 - 1

/**
 * @throws TypeError unless exactly one of `connectionString`, `pool` and `db` is given and usable, and for an invalid `schema`,
 * `timeoutMs` or cookie, or where `checks: 'leased'` lacks an address of PostgreSQL.
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
  const memory = memoryOf(options, { schema, timeoutMs, connection, acts })

  /** The token of a request, if any, and its headers. Two cookies of one name that differ are none. */
  function firstOf(request: RequestLike) {
    const headers = credentialsOf(request)
    const found = readCredential(headers, cookie.names)
    return { headers, found, first: found.kind === 'token' ? found.token : null }
  }

  /** The tokens of its other session cookies. */
  const othersOf = ({ headers, found }: ReturnType<typeof firstOf>) =>
    otherTokens(headers, found, cookie.names, readCredential)

  /** @throws ActError */
  async function findInDatabase(token: string, activity: boolean): Promise<Identity | null> {
    const values = [hashToken(token), String(activity)]
    const [row] = await acts.read<SessionRow>('use_session($1::text, $2::boolean)', values)
    return row ? identityOf(row) : null
  }
  const find = memory?.find ?? findInDatabase

  /** The token of a logout, of several: the first that is valid, else the first. @throws NotSignedOutError */
  async function decidingOf(tokens: readonly string[]): Promise<string> {
    try {
      for (const token of tokens) if (await findInDatabase(token, false)) return token
    } catch (error) {
      throw problemOf(error, NotSignedOutError)
    }
    return tokens[0] ?? ''
  }

  /** Runs an act, with its failure as an error of this kind. */
  const run = <Answer>(text: string, values: (string | null)[], Kind: typeof ServiceError) =>
    acts.run<Answer>(text, values).catch((error) => {
      throw problemOf(error, Kind)
    })

  let closing: Promise<void> | undefined
  async function close(): Promise<void> {
    await memory?.close()
    await connection.close()
  }

  return {
    async check(request): Promise<Identity | null> {
      const credentials = firstOf(request)
      const activity = isActivity(credentials.headers)
      try {
        const { first } = credentials
        const identity = first === null ? null : await find(first, activity)
        if (identity) return identity
        for (const { token, mayDecide } of await othersOf(credentials)) {
          const identity = mayDecide ? await find(token, activity) : null
          if (identity) return identity
        }
        return null
      } catch (error) {
        throw undecided(error)
      }
    },

    async create(session): Promise<CreatedSession> {
      requireValid(session)
      const { user, replaces, takeOver } = session
      const { id, ...profile } = user
      const token = takeOver ? takeOver.token : generateSessionToken()
      const { userAgent, ipAddress } = deviceOf(session)
      const who = [hashToken(token), id]
      const what = [profileText(profile, session.signIn), userAgent, ipAddress]
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
      const credentials = firstOf(request)
      const others = await othersOf(credentials)
      const mayDecide = others.filter((other) => other.mayDecide).map(({ token }) => token)
      const deciding = credentials.first === null ? mayDecide : [credentials.first, ...mayDecide]
      const [first] = deciding
      if (first === undefined) throw invalidToken()
      const token = deciding.length > 1 ? await decidingOf(deciding) : first
      const { userAgent, ipAddress } = deviceOf({
        userAgent: credentials.headers['user-agent'],
        ipAddress: request.ip,
      })
      const end = (token: string, scope: string) => {
        const call = 'sign_out($1::text, $2::text, $3::text, $4::inet)'
        return run<SignedOut>(call, [hashToken(token), scope, userAgent, ipAddress], NotSignedOutError)
      }
      const done = [await end(token, scope)]
      if (!done[0]?.ended) throw invalidToken()
      // Where this browser signs out, the sessions of its other cookies end, too.
      const all = [first, ...others.map(({ token }) => token)]
      const besides = scope === 'others' ? [] : all.filter((other) => other !== token)
      for (const other of besides) done.push(await end(other, 'local').catch(halfSignedOut))
      await Promise.all(done.map(({ xid }) => barrier.wait(xid)))
      return {
        operationId: done[0].operation_id,
        revokedCount: done.reduce((sum, { revoked_count }) => sum + revoked_count, 0),
        revoked: done.flatMap(({ revoked }) => revoked.map(endedOf)),
      }
    },

    async removeUser(userId): Promise<void> {
      if (typeof userId !== 'string' || userId === '') throw new TypeError('userId: must be a text')
      const { xid } = await run('delete_user($1::text)', [userId], NotSignedOutError)
      await barrier.wait(xid)
    },

    close: () => (closing ??= close()),
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
    async laggingInstances(revocations) {
      const xids = revocations.map(({ xid }) => xid)
      const found = await acts.read<{ xid: string; id: string; beat: number }>(lagging, [xids.join()])
      return xids.map((xid) => found.filter((row) => row.xid === xid))
    },
    // An application may not read what was revoked: the instances do.
    notify: () => acts.notify(REVOKED).then(() => null),
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
