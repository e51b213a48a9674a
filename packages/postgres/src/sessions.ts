/** `Sessions` on the database: each act is one call of a function of `migrations/0003_applications.sql`. */
import { createRequire } from 'node:module'
import {
  type CreatedSession,
  type Identity,
  type LogoutOutcome,
  NotSignedOutError,
  type RequestLike,
  ServiceError,
  type Sessions,
  UndecidedError,
} from '@global-logout/client'
import { type Connection, type DrizzleDatabase, onPool, type PoolLike } from './connection.ts'
import { onDrizzle } from './drizzle.ts'
import { poolerHint } from './pooler.ts'
import {
  createBarrier,
  deviceColumns,
  generateSessionToken,
  hashToken,
  KNOWN_NAMES,
  readCredential,
} from './service.ts'

export interface DatabaseSessionsOptions {
  /** One of three: of the database that has our schema. A string makes a pool of ten connections, which `close` ends. */
  connectionString?: string
  pool?: PoolLike
  db?: DrizzleDatabase
  /** The service's DATABASE_SCHEMA: `global_logout` by default. */
  schema?: string
  /** Names of the session cookie, the first that a request has counts. By default those of Auth.js and next-auth. */
  cookieNames?: readonly string[]
  /** Limit of each act in milliseconds, 2000 by default. A logout may take 3.3 s more, as with the service. */
  timeoutMs?: number
}

export interface DatabaseSessions extends Sessions {
  /** Ends the pool of `connectionString`. */
  close(): Promise<void>
}

const SCHEMA = /^(?!pg_)[a-z_][a-z0-9_]{0,62}$/
const CHANNEL = 'global_logout_revoked'

/**
 * @throws TypeError unless exactly one of `connectionString`, `pool` and `db` is given and usable.
 */
export function createDatabaseSessions({
  schema = 'global_logout',
  cookieNames = KNOWN_NAMES,
  timeoutMs = 2000,
  ...given
}: DatabaseSessionsOptions): DatabaseSessions {
  if (!SCHEMA.test(schema)) throw new TypeError('schema: must be a name such as global_logout')
  const connection = connectionOf(given)
  const barrier = createBarrier({
    async laggingInstances(xids) {
      const call = `select pg_catalog.to_jsonb(found)::text as answer from ${schema}.lagging_instances(pg_catalog.string_to_array($1::text, ','::text)) found`
      const found = await connection.ask<{ xid: string; id: string; beat: number }>(call, [xids.join()])
      return xids.map((xid) => found.filter((row) => row.xid === xid))
    },
    notify: async () =>
      void (await connection.ask(
        `select pg_catalog.to_json(pg_catalog.pg_notify('${CHANNEL}'::text, $1::text)::text)::text as answer`,
        [''],
      )),
    // Only the service looks for dead instances.
    instances: async () => [],
    removeDeadInstance: async () => {},
  })

  /** The result within the limit. @throws Error after it; the act may still happen. */
  async function inTime<T>(work: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`no answer from the database within ${timeoutMs} ms`)),
        timeoutMs,
      )
    })
    try {
      return await Promise.race([work, late])
    } finally {
      clearTimeout(timer)
    }
  }

  /** Runs one act in a transaction of its own, and makes sure that it is committed. */
  async function act<Answer>(text: string, values: (string | null)[]): Promise<Answer> {
    const answer = await inTime(
      connection.transaction(async (ask) => {
        const [answer] = await ask<Answer & { xid: string }>(
          `select pg_catalog.to_jsonb(done)::text as answer from ${schema}.${text} done`,
          values,
        )
        if (!answer) throw new Error(`${schema}.${text} returned no row`)
        return answer
      }),
    )
    // Another part of the application may have rolled back on the same connection; a driver would not notice.
    const [status] = await inTime(
      connection.ask<string>(
        'select pg_catalog.to_json(pg_catalog.pg_xact_status($1::xid8))::text as answer',
        [answer.xid],
      ),
    )
    if (status !== 'committed') throw new Error('the act was not committed')
    return answer
  }

  /** The token of a request, or null. Two cookies of one name that differ are none. */
  function tokenOf({ headers }: RequestLike): string | null {
    const plain = { cookie: headerOf(headers, 'cookie'), authorization: headerOf(headers, 'authorization') }
    const found = readCredential(plain, cookieNames)
    return found.kind === 'token' ? found.token : null
  }

  return {
    async check(request): Promise<Identity | null> {
      const token = tokenOf(request)
      if (!token) return null
      try {
        const call = `select pg_catalog.to_jsonb(found)::text as answer from ${schema}.use_session($1::text, $2::boolean) found`
        const activity = isActivity(request.headers)
        const [row] = await inTime(connection.ask<SessionRow>(call, [hashToken(token), String(activity)]))
        return row ? identityOf(row) : null
      } catch (cause) {
        throw new UndecidedError(`The database gave no answer to the session check.${poolerHint(cause)}`, {
          cause,
        })
      }
    },

    async create({ user: { id, ...profile }, replaces, takeOver, ...device }): Promise<CreatedSession> {
      if (typeof id !== 'string' || id === '') throw new TypeError('user.id: must be a text')
      if (takeOver && replaces) throw new TypeError('takeOver: replaces no other session')
      const token = takeOver ? takeOver.token : generateSessionToken()
      const { userAgent, ipAddress } = deviceColumns({
        userAgent: device.userAgent ?? null,
        ipAddress: device.ipAddress ?? null,
      })
      const who = [hashToken(token), id]
      const what = [JSON.stringify(profile), userAgent, ipAddress]
      const made = await (takeOver
        ? act<Made>('take_over($1::text, $2::text, $3::timestamptz, $4::jsonb, $5::text, $6::inet)', [
            ...who,
            takeOver.expires.toISOString(),
            ...what,
          ])
        : act<Made>('sign_in($1::text, $2::text, $3::jsonb, $4::text, $5::inet, $6::text)', [
            ...who,
            ...what,
            replaces ? hashToken(replaces) : null,
          ])
      ).catch((cause) => {
        throw problemOf(cause, ServiceError)
      })
      if (made.session_id === null) throw sessionOver(made.outcome)
      if (replaces) await barrier.wait(made.xid)
      const name = cookieNames[0] ?? ''
      const secure = name.startsWith('__')
      return {
        token,
        sessionId: made.session_id,
        expiresAt: new Date(made.expires_at),
        cookie: { name, attributes: { path: '/', httpOnly: true, sameSite: 'lax', secure } },
      }
    },

    async logout(request, { scope = 'local' } = {}): Promise<LogoutOutcome> {
      const token = tokenOf(request)
      const done = token === null ? null : await signOut(token, scope, request)
      if (!done?.ended)
        throw new NotSignedOutError({
          status: 401,
          code: 'invalid_token',
          detail: 'Sign in again. Nothing was ended by this request.',
        })
      await barrier.wait(done.xid)
      return { operationId: done.operation_id, revoked: done.revoked.map(endedOf) }
    },

    async removeUser(userId) {
      const { xid } = await act<{ xid: string }>('delete_user($1::text)', [userId]).catch((cause) => {
        throw problemOf(cause, NotSignedOutError)
      })
      await barrier.wait(xid)
    },

    close: connection.close,
  }

  async function signOut(token: string, scope: string, { headers, ip }: RequestLike) {
    const { userAgent, ipAddress } = deviceColumns({
      userAgent: headerOf(headers, 'user-agent') ?? null,
      ipAddress: ip ?? null,
    })
    const call = 'sign_out($1::text, $2::text, $3::text, $4::inet)'
    return act<SignedOut>(call, [hashToken(token), scope, userAgent, ipAddress]).catch((cause) => {
      throw problemOf(cause, NotSignedOutError)
    })
  }
}

interface SessionRow {
  user_id: string
  session_id: string
  created_at: string
  ends_at: string
}

interface Made {
  xid: string
  /** Null where a session was not taken over: then `outcome` is why. */
  session_id: string | null
  expires_at: string
  outcome?: string
}

interface SignedOut {
  xid: string
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

function endedOf({
  createdAt,
  lastSeenAt,
  ...rest
}: SignedOut['revoked'][number]): LogoutOutcome['revoked'][number] {
  return { ...rest, createdAt: new Date(createdAt), lastSeenAt: new Date(lastSeenAt) }
}

function sessionOver(outcome = ''): ServiceError {
  const detail = `The session is not taken over, because it is over (${outcome}). Its store is to forget it.`
  return new ServiceError({ status: 409, code: 'session_over', detail })
}

/** GL001 is the lock of a user (migrations/0001_sessions.sql); everything else may or may not have happened. */
function problemOf(cause: unknown, Kind: typeof ServiceError): ServiceError {
  for (let each = cause; each instanceof Error; each = each.cause) {
    if ((each as { code?: unknown }).code === 'GL001')
      return new Kind({ status: 403, code: 'user_locked', detail: `${each.message}.` }, { cause })
  }
  const detail = `The database gave no answer, or refused. The request may have been executed.${poolerHint(cause)}`
  return new Kind({ status: 503, code: 'no_answer', detail }, { cause })
}

/** Prefetches and polling do not keep an idle session alive. */
function isActivity(headers: RequestLike['headers']): boolean {
  return (
    headerOf(headers, 'x-session-activity') !== 'none' &&
    !/\bprefetch\b/.test(headerOf(headers, 'sec-purpose') ?? '')
  )
}

function headerOf(headers: RequestLike['headers'], name: string): string | undefined {
  if (typeof headers.get === 'function') return headers.get(name) ?? undefined
  const value = (headers as Record<string, string | readonly string[] | undefined>)[name]
  return typeof value === 'string' ? value : value?.join(name === 'cookie' ? '; ' : ', ')
}

function connectionOf({
  connectionString,
  pool,
  db,
}: Pick<DatabaseSessionsOptions, 'connectionString' | 'pool' | 'db'>): Connection {
  if ([connectionString, pool, db].filter(Boolean).length !== 1)
    throw new TypeError('Give one of connectionString, pool and db.')
  if (db) return onDrizzle(db)
  if (pool) return onPool(pool)
  // Loaded here, because an application that gives a database of its own may not have node-postgres.
  const pg = createRequire(import.meta.url)('pg') as typeof import('pg')
  const own = new pg.Pool({
    connectionString,
    max: 10,
    connectionTimeoutMillis: 2_000,
    idleTimeoutMillis: 60_000,
  })
  // A broken idle connection is replaced by the next act.
  own.on('error', () => {})
  return onPool(own, () => own.end())
}
