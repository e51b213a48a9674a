/** Shared by the servers of the comparison: the port, and the same pool for each. */
import pg from 'pg'

export const port = Number(process.env.PORT)
export const host = '127.0.0.1'

/**
 * As many connections as node-postgres uses by default, and as our own service has for everything but checks.
 */
export const openPool = () => new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 })
