/** An application for any runtime: it checks a session from memory, has its user signed out by another device, and checks again. */
import { createClient } from '@global-logout/client'

export interface Given {
  url: string
  key: string
  /** Of two devices of one user. */
  phone: string
  laptop: string
}

/** For an answer from memory, in milliseconds. */
const PATIENCE_MS = 15_000

export async function checkAndSignOut({ url, key, phone, laptop }: Given) {
  let asked = 0
  const client = createClient({
    url,
    key,
    checks: 'leased',
    fetch: async (input, init) => {
      if (new URL(String(input)).pathname === '/check') asked++
      return fetch(input, init)
    },
  })
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
  const check = () => client.check({ headers: bearer(laptop) })

  const end = Date.now() + PATIENCE_MS
  let userId: string | undefined
  for (let before = -1; before !== asked && Date.now() < end; ) {
    before = asked
    userId = (await check())?.userId
    if (before !== asked) await new Promise((done) => setTimeout(done, 20))
  }
  const askedBefore = asked
  for (let n = 0; n < 100; n++) await check()
  const fromMemory = asked === askedBefore

  const headers = { ...bearer(phone), 'content-type': 'application/json' }
  const body = JSON.stringify({ scope: 'global' })
  const { status } = await fetch(`${url}/api/logout`, { method: 'POST', headers, body })
  const after = await check()
  await client.close()
  return { userId, fromMemory, status, after, askedAgain: asked - askedBefore }
}
