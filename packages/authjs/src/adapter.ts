/**
 * An Auth.js adapter over the tables of this service: `DrizzleAdapter` for everything, with tokens hashed on the
 * way in. Raw tokens never reach the database; what Auth.js signs out is out at `/check` too; what is over is
 * never revived by Auth.js's sliding update.
 *
 *     import { GlobalLogoutAdapter, generateSessionToken } from '@global-logout/authjs'
 *     Auth({ adapter: GlobalLogoutAdapter(db), session: { strategy: 'database', generateSessionToken }, … })
 *
 * One promise is out of an adapter's reach: Auth.js clears its cookie even when `deleteSession` failed. Send
 * people to this service's `/logout` where a sign-out must not be claimed before it is durable.
 */
import type { Adapter, AdapterSession, AdapterUser } from '@auth/core/adapters'
import { DrizzleAdapter } from '@auth/drizzle-adapter'
import { and, eq } from 'drizzle-orm'
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core'
import { usableDatabase } from './drivers.ts'
import { demandSight } from './row-security.ts'
import {
  account,
  barrierStore,
  createBarrier,
  deviceColumns,
  type Executor,
  expiresAsDate,
  generateSessionToken as generateToken,
  isValid,
  lastSeenIsStale,
  session,
  updateLastSeen,
  user,
  verificationToken,
} from './service.ts'
import { endAsSignOut } from './sign-out.ts'

/** What the application knows of the device that signs in. */
export interface Device {
  userAgent?: string | null
  ipAddress?: string | null
}

export interface GlobalLogoutAdapterOptions {
  /** The device of the request that Auth.js is handling, so that people recognise it in their list of devices. */
  device?: () => Device | Promise<Device>
}

/** @returns a new session token: 256 random bits as base64url, 43 characters, in place of the UUID of Auth.js. */
export function generateSessionToken(): string {
  return generateToken()
}

/** The columns that Auth.js knows; ours stay out of its sight. */
const authColumns = { sessionToken: session.sessionToken, userId: session.userId, expires: expiresAsDate }

/**
 * Its methods throw whatever the driver throws, and where row level security may hide a session that is not found: Auth.js
 * reports such an error as "no session".
 * @param database a drizzle database on PostgreSQL that can run transactions, migrated by `global-logout migrate`.
 * @throws Error when its driver has no transactions.
 */
export function GlobalLogoutAdapter(
  // biome-ignore lint/suspicious/noExplicitAny: any schema
  database: PgDatabase<PgQueryResultHKT, any>,
  { device }: GlobalLogoutAdapterOptions = {},
): Adapter {
  const db = usableDatabase(database)
  const barrier = createBarrier(
    barrierStore(async (work) => {
      // Instances that are hidden would not be waited for: as for any failure, the longest lease is.
      await demandSight(db, ['public.instance'])
      return work(db)
    }),
  )
  const stock = DrizzleAdapter(db, {
    usersTable: user,
    accountsTable: account,
    // The column type that hashes is a text column to PostgreSQL; the stock types know PgText by name only.
    sessionsTable: session as never,
    verificationTokensTable: verificationToken,
  })

  return {
    ...stock,

    async createSession({ sessionToken, userId, expires }) {
      const columns = deviceColumns((await device?.()) ?? {})
      const [row] = await db
        .insert(session)
        .values({ sessionToken, userId, expires, ...columns })
        .returning(authColumns)
      return withRawToken(row, sessionToken) as AdapterSession
    },

    /** Null for every session that is over, also by the idle timeout and the maximum age, which Auth.js does not know. */
    async getSessionAndUser(sessionToken) {
      const [found] = await db
        .select({ session: authColumns, user, id: session.id, stale: lastSeenIsStale })
        .from(session)
        .innerJoin(user, eq(user.id, session.userId))
        .where(and(eq(session.sessionToken, sessionToken), isValid))
        // An application's drizzle cache would answer for a session that ended meanwhile.
        .$withCache(false)
      if (!found) {
        await demandSight(db)
        return null
      }
      if (found.stale) await touch(db, found.id)
      return { session: { ...found.session, sessionToken }, user: found.user as AdapterUser }
    },

    /** Moves `expires` of a living session. A dead one is not found, nor one of another user: none changes hands. */
    async updateSession({ sessionToken, userId, expires }) {
      const [row] = await db
        .update(session)
        // The token is its own old value: an update without `expires` needs a column to set.
        .set({ sessionToken, expires })
        .where(
          and(
            eq(session.sessionToken, sessionToken),
            userId ? eq(session.userId, userId) : undefined,
            isValid,
          ),
        )
        .returning(authColumns)
      if (!row) await demandSight(db)
      return withRawToken(row, sessionToken)
    },

    deleteSession: (sessionToken) => endAsSignOut(db, sessionToken, barrier),
  }
}

/** Auth.js puts into the cookie what it gets back: the raw token, never the hash. */
function withRawToken(row: AdapterSession | undefined, sessionToken: string) {
  return row && { ...row, sessionToken }
}

/** Records use; a use that could not be recorded is no reason to refuse it. */
async function touch(db: Executor, sessionId: string): Promise<void> {
  await updateLastSeen(db, [sessionId]).catch(() => {})
}
