/**
 * Sessions in process, for a Node application that may reach the database of the service:
 *
 *     import { createDatabaseSessions } from '@global-logout/postgres'
 *     const sessions = createDatabaseSessions({ connectionString: process.env.DATABASE_URL })
 *
 * Every act is one call of a function in our schema, which the role `global_logout_application` may execute. So each driver with
 * transactions will do, and a pooler in transaction mode too.
 */
export { createDatabaseSessions, type DatabaseSessions, type DatabaseSessionsOptions } from './sessions.ts'
