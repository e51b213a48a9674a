/**
 * What is new since this browser's last visit of the devices. The time is in a cookie and not in the database: a thief who looks at the
 * list on another device does not make a new device look known here.
 */
import { createHash } from 'node:crypto'

/** A visit ends so long after its last page, in milliseconds. Until then what is new stays new, however often the page is drawn. */
const VISIT_MS = 30 * 60_000

export interface Visit {
  /** What signed in later is new; null at the first visit of this user in this browser. */
  newAfter: Date | null
  /** The cookie for the next page. */
  cookie: string
}

/** @param cookie as the browser sent it. Anything that is no cookie of this user counts as none. */
export function visitOf(cookie: string | undefined, userId: string, now = new Date()): Visit {
  const owner = createHash('sha256').update(userId).digest('base64url').slice(0, 16)
  const next = (before: number) => `${before}.${now.getTime()}.${owner}`
  const [, before, latest, of] = /^(\d{1,15})\.(\d{1,15})\.([\w-]{16})$/.exec(cookie ?? '') ?? []
  if (of !== owner || Number(latest) > now.getTime() || Number(before) > Number(latest))
    return { newAfter: null, cookie: next(now.getTime()) }
  const since = now.getTime() - Number(latest) > VISIT_MS ? Number(latest) : Number(before)
  return { newAfter: new Date(since), cookie: next(since) }
}
