/** A hash of a list of sessions, by which the service sees that a page shows an outdated list. */
import { hash } from 'node:crypto'
import type { Session } from './schema.ts'

/** Equal for the same sessions in any order. */
export function sessionListHash(sessions: readonly Pick<Session, 'id'>[]): string {
  const ids = sessions.map(({ id }) => id).sort()
  return hash('sha256', ids.join(), 'base64url').slice(0, 22)
}
