/**
 * An Auth.js adapter for the tables of this service, based on `DrizzleAdapter`. It guarantees:
 * raw tokens never reach the database; a sign-out in Auth.js also applies to `/check`; Auth.js's sliding update never
 * revives an ended session.
 *
 *     import { GlobalLogoutAdapter, generateSessionToken } from '@global-logout/authjs'
 *     Auth({ adapter: GlobalLogoutAdapter(db), session: { strategy: 'database', generateSessionToken }, … })
 *
 * An adapter cannot prevent one thing: Auth.js clears its cookie even when `deleteSession` fails. Link to `/logout` of this
 * service where a sign-out must be durable before the user sees it.
 */
import type { Adapter, AdapterSession, AdapterUser } from '@auth/core/adapters'
import { DrizzleAdapter } from '@auth/drizzle-adapter'
import { and, eq } from 'drizzle-orm'
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core'
import { usableDatabase } from './drivers.ts'
import { assertRowsVisible } from './row-security.ts'
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

/** The device that signs in, as the application knows it. */
export interface Device {
  userAgent?: string | null
  ipAddress?: string | null
}

export interface GlobalLogoutAdapterOptions {
  /** Returns the device of the request that Auth.js is handling, for the user's list of devices. */
  device?: () => Device | Promise<Device>
}

/** @returns a new session token: 256 random bits as base64url, 43 characters, instead of the UUID of Auth.js. */
export function generateSessionToken(): string {
  return generateToken()
}

/** The columns that Auth.js knows; it does not see the others. */
const authColumns = { sessionToken: session.sessionToken, userId: session.userId, expires: expiresAsDate }

/**
 * Its methods throw what the driver throws. They also throw when row level security may hide a session that is not found.
 * Auth.js reports such an error as "no session".
 * @param database a drizzle database on PostgreSQL that can run transactions, migrated by `global-logout migrate`.
 * @throws Error when the driver has no transactions.
 */
export function GlobalLogoutAdapter(
  // biome-ignore lint/suspicious/noExplicitAny: any schema
  database: PgDatabase<PgQueryResultHKT, any>,
  { device }: GlobalLogoutAdapterOptions = {},
): Adapter {
  const db = usableDatabase(database)
  const barrier = createBarrier(
    barrierStore(async (work) => {
      // Without this check, a sign-out would not wait for hidden instances. After the error it waits for the longest lease.
      await assertRowsVisible(db, ['public.instance'])
      return work(db)
    }),
  )
  const stock = DrizzleAdapter(db, {
    usersTable: user,
    accountsTable: account,
    // To PostgreSQL the hashing column is a text column, but the stock types accept only PgText.
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

    /** Null for every ended session, including those past the idle timeout or maximum age, which Auth.js does not know. */
    async getSessionAndUser(sessionToken) {
      const [found] = await db
        .select({ session: authColumns, user, id: session.id, stale: lastSeenIsStale })
        .from(session)
        .innerJoin(user, eq(user.id, session.userId))
        .where(and(eq(session.sessionToken, sessionToken), isValid))
        // An application's drizzle cache could return an ended session.
        .$withCache(false)
      if (!found) {
        await assertRowsVisible(db)
        return null
      }
      if (found.stale) await recordActivity(db, found.id)
      return { session: { ...found.session, sessionToken }, user: found.user as AdapterUser }
    },

    /** Updates `expires` of an active session. Ended sessions and those of other users are not found. */
    async updateSession({ sessionToken, userId, expires }) {
      const [row] = await db
        .update(session)
        // Sets the token to itself: an update without `expires` needs at least one column.
        .set({ sessionToken, expires })
        .where(
          and(
            eq(session.sessionToken, sessionToken),
            userId ? eq(session.userId, userId) : undefined,
            isValid,
          ),
        )
        .returning(authColumns)
      if (!row) await assertRowsVisible(db)
      return withRawToken(row, sessionToken)
    },

    deleteSession: (sessionToken) => endAsSignOut(db, sessionToken, barrier),
  }
}

/** Auth.js writes the returned token to the cookie, so it must get the raw token, not the hash. */
function withRawToken(row: AdapterSession | undefined, sessionToken: string) {
  return row && { ...row, sessionToken }
}

/** Records an activity update. A failure to record it does not refuse the request. */
async function recordActivity(db: Executor, sessionId: string): Promise<void> {
  await updateLastSeen(db, [sessionId]).catch(() => {})
}
