import PostgresAdapter from '@auth/pg-adapter'
import { withGlobalLogout } from '@global-logout/authjs'
import { createDatabaseSessions } from '@global-logout/postgres'
import { Pool } from 'pg'

export const pool = new Pool({ connectionString: process.env.DATABASE_URL ?? '' })
export const sessions = createDatabaseSessions({ pool })

export const config = {
  adapter: withGlobalLogout(PostgresAdapter(pool), sessions),
  session: { strategy: 'database' as const },
}
