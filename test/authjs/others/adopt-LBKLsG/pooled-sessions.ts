import { createDatabaseSessions } from '@global-logout/postgres'
import { drizzle } from 'drizzle-orm/postgres-js'
import postgres from 'postgres'

export const client = postgres(process.env.DATABASE_URL ?? '', { prepare: false })
export const sessions = createDatabaseSessions({ db: drizzle(client) })
