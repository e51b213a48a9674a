import { PrismaAdapter } from '@auth/prisma-adapter'
import { withGlobalLogout } from '@global-logout/authjs'
import { createDatabaseSessions } from '@global-logout/postgres'
import { prisma } from './application.ts'

export const sessions = createDatabaseSessions({ connectionString: process.env.DATABASE_URL ?? '' })

export const config = {
  adapter: withGlobalLogout(PrismaAdapter(prisma), sessions),
  session: { strategy: 'database' as const },
}
