/**
 * A service that follows the feed of revocations, as docs/services.md describes: when events may be missing,
 * it looks up which sessions have ended. At the end it must know each revocation in the database.
 */
import { createClient } from '../../../packages/client/src/client.ts'
import { waitFor } from '../../support/within.ts'
import type { Service } from './service.ts'

const REVOKED = 'select session_id from revoked_session'
/** A follower reconnects within ten seconds. */
const ARRIVED_MS = 20_000

export async function followFeed({ command, users, instances }: Service) {
  const { key } = JSON.parse(
    await command('keys', 'create', '--name', 'follower', '--scope', 'events', '--json'),
  )
  const [instance] = instances
  if (!instance) throw new Error('there is no instance to follow')
  const known = new Set<string>()
  const counts = { events: 0, resets: -1 }
  const stop = new AbortController()

  async function revoked(): Promise<string[]> {
    const rows = await waitFor('the revocations of the database', () =>
      users.pool.query(REVOKED).then(
        (answer) => answer.rows as { session_id: string }[],
        () => null,
      ),
    )
    return rows.map(({ session_id }) => session_id)
  }

  const followed = createClient({ url: instance.url, key }).follow({
    signal: stop.signal,
    onRevoked: ({ sessionId }) => {
      counts.events++
      known.add(sessionId)
    },
    // The first one is the start.
    onReset: async () => {
      counts.resets++
      for (const id of await revoked()) known.add(id)
    },
  })
  followed.catch(() => {})

  return {
    /**
     * @returns how many events came, how often it had to look up all sessions, and how many revocations it
     * does not know
     */
    async end() {
      let missing: string[] = []
      await waitFor(
        'all revocations in the feed',
        async () => {
          missing = (await revoked()).filter((id) => !known.has(id))
          return missing.length === 0
        },
        ARRIVED_MS,
      ).catch(() => {})
      stop.abort()
      await followed
      return { ...counts, missing: missing.length }
    },
  }
}
