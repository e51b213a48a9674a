/** What a list has to show of each device in addition, so that no two of its rows look equal. */
import { shortIds, tellApart } from './tell-apart.ts'

export interface Row<Session> {
  session: Session
  /** Whether it has to show the second of the sign-in, because another row looks the same. */
  toTheSecond: boolean
  /** The beginning of the id, where even that is the same; else null. */
  shortId: string | null
}

/** @param look all that the list shows of a session, as text. */
export function rowsOf<Session extends { id: string; createdAt: Date }>(
  sessions: readonly Session[],
  look: (session: Session) => unknown[],
): Row<Session>[] {
  const ids = shortIds(sessions.map(({ id }) => id))
  const more = tellApart(sessions, [
    (session) => JSON.stringify(look(session)),
    ({ createdAt }) => createdAt.toISOString().slice(0, 19),
    ({ id }) => id,
  ])
  return sessions.map((session, i) => ({
    session,
    toTheSecond: (more[i] ?? 0) > 0,
    shortId: (more[i] ?? 0) > 1 ? (ids[i] ?? null) : null,
  }))
}
