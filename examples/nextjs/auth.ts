import { withGlobalLogout } from '@global-logout/authjs'
import { device, sessionsFromEnvironment } from '@global-logout/client/next'
import NextAuth from 'next-auth'
import { users } from './users'

// A function, so that a build needs no environment.
export const { handlers, auth } = NextAuth(() => ({
  adapter: withGlobalLogout(users, sessionsFromEnvironment(), { device }),
  session: { strategy: 'database' },
  providers: [{ id: 'work', name: 'Work', type: 'oidc' }],
}))
