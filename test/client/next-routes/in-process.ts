/**
 * The functions of `@global-logout/client/next` on sessions in process. Created at the first request, because
 * a build has no database.
 */
import { createNextSessions } from '@global-logout/client/next'
import { createDatabaseSessions, type DatabaseSessions } from '@global-logout/postgres'

/** How many queries the database got. */
export const asked = { checks: 0 }

let made: DatabaseSessions | undefined
function databaseSessions(): DatabaseSessions {
  if (made) return made
  const sessions = createDatabaseSessions({
    connectionString: process.env.DATABASE_URL ?? '',
    checks: 'leased',
    timeoutMs: 10_000,
  })
  made = {
    ...sessions,
    check: (request) => {
      asked.checks++
      return sessions.check(request)
    },
  }
  return made
}

export const { session, sessions, requireSession, withSession } = createNextSessions(databaseSessions)
