/** A page that checks the session itself, in another component and through Auth.js. */
import { withGlobalLogout } from '@global-logout/authjs'
import NextAuth from 'next-auth'
import { asked, requireSession, session, sessions } from '../../in-process'
import { users } from '../../users'

const { auth } = NextAuth(() => ({
  adapter: withGlobalLogout(users, sessions()),
  session: { strategy: 'database' },
  providers: [],
  callbacks: { session: ({ session, user }) => ({ ...session, user: { ...session.user, id: user.id } }) },
}))

export default async function InProcess() {
  const before = asked.checks
  const { userId } = await requireSession({ callbackUrl: '/in-process' })
  const again = await session()
  const ofAuthjs = await auth()
  return (
    <p id="user" data-checks={asked.checks - before}>
      {again?.userId === userId && ofAuthjs?.user?.id === userId ? userId : 'another'}
    </p>
  )
}
