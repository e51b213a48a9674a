/** A mark of a list of sessions, so that a page can tell whether the list that it shows is out of date. */
import { hash } from 'node:crypto'
import type { Session } from './schema.ts'

/** Tells one list of sessions from another, whatever their order. */
export function sessionListHash(sessions: readonly Pick<Session, 'id'>[]): string {
  const ids = sessions.map(({ id }) => id).sort()
  return hash('sha256', ids.join(), 'base64url').slice(0, 22)
}
