import { GlobalLogoutAdapter } from '@global-logout/authjs/drizzle'
import { drizzle } from 'drizzle-orm/postgres-js'
import postgres from 'postgres'

export const client = postgres(process.env.DATABASE_URL ?? '', { prepare: false })

export const config = { adapter: GlobalLogoutAdapter(drizzle(client)), session: { strategy: 'database' as const } }
