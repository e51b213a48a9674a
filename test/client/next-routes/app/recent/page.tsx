import { requireSession, session } from '@global-logout/client/next'

export default async function Recent() {
  const { userId } = await requireSession({ maxAge: 600, callbackUrl: '/recent' })
  // The same check: `React.cache` keeps it for this request.
  const again = await session()
  return <p id="user">{again?.userId === userId ? userId : 'another'}</p>
}
