import { GlobalLogoutAdapter } from '@global-logout/authjs/drizzle'
import { drizzle } from 'drizzle-orm/node-postgres'

export const db = drizzle(process.env.DATABASE_URL ?? '')

export const config = { adapter: GlobalLogoutAdapter(db), session: { strategy: 'database' as const } }
