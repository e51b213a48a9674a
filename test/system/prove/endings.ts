/**
 * Finds for each session the time by which it must have ended, and the earliest time at which it may have.
 * Every check is compared with both. It walks once along the acts in order of time. Pure.
 *
 * A wide logout (`others`, `global`) must end the sessions whose login had answered before it began. Of those
 * whose login overlaps it, it ends the ones that its answer names.
 */
import type { Act, History, Logout } from './history.ts'

export interface Bounds {
  /** How long after the answer to a deletion by SQL a session may still be called valid, in milliseconds. */
  deletionMs: number
  /** How long after its caller gave up an unknown act may still take effect. */
  effectMs: number
}

/** The error of an expiry that is read from two clocks, of which NTP may slew one by 500 ppm. */
const CLOCKS_MS = 50
const NONE = -1

export type Endings = ReturnType<typeof findEndings>

export function findEndings({ sessions, acts }: Pick<History, 'sessions' | 'acts'>, bounds: Bounds) {
  /** From this time on no answer may be "valid". */
  const over = earliest(sessions.length)
  /** From this time on an answer may be a refusal. */
  const cause = earliest(sessions.length)
  /** The act whose answer named the session. */
  const endedBy = new Map<number, Logout>()
  /** Sessions of each user that are not known to be over. */
  const active = new Map<number, number[]>()
  /** Wide logouts of each user whose outcome is unknown; and those of them that may still take effect, by number. */
  const unknown = new Map<number, Logout[]>()
  const looming = new Map<number, number[]>()
  /** The sessions that each wide logout must end. */
  const reach = new Map<Logout, number[]>()

  for (const [n, act] of acts.entries()) noteCauses(act, n)
  for (const { step } of timeline()) step()
  return { over, cause }

  /** Records the sessions that an act which names them may have ended. */
  function noteCauses(act: Act, n: number): void {
    if (act.outcome !== 'done' && act.outcome !== 'unknown') return
    if (act.kind === 'expiry') cause.note(act.target, act.begin + act.ttl - CLOCKS_MS, n)
    if (act.kind === 'deletion') cause.noteAll(act.targets, act.begin, n)
    if (act.kind !== 'logout') return
    cause.noteAll(act.revoked, act.begin, n)
    for (const session of act.revoked) endedBy.set(session, act)
    if (act.outcome === 'unknown' && !isWide(act)) cause.note(aim(act), act.begin, n)
  }

  /**
   * Logins and acts by time. At a tie acts begin before logins are answered, because neither is known to come
   * first.
   */
  function timeline() {
    const points: { at: number; order: number; step: () => void }[] = []
    for (const [n, { login }] of sessions.entries()) {
      // The token of a login whose answer was lost is unknown, so its session is never checked.
      if (login.end < Number.POSITIVE_INFINITY)
        points.push({ at: login.begin, order: 0, step: () => loginBegins(n) })
    }
    for (const [n, act] of acts.entries()) {
      if (act.kind === 'logout' && isWide(act))
        points.push({ at: act.begin, order: 1, step: () => wideLogoutBegins(act, n) })
      if (act.outcome === 'done') points.push({ at: act.end, order: 2, step: () => isAnswered(act, n) })
    }
    return points.sort((a, b) => a.at - b.at || a.order - b.order)
  }

  function loginBegins(session: number): void {
    const { user, login } = sessions[session] as History['sessions'][number]
    of(active, user).push(session)
    const still = of(looming, user).filter((n) => login.begin <= (acts[n]?.end ?? 0) + bounds.effectMs)
    looming.set(user, still)
    for (const n of still) {
      const act = acts[n] as Logout
      if (mayEnd(act, session)) cause.note(session, act.begin, n)
    }
  }

  function wideLogoutBegins(act: Logout, n: number): void {
    const stillLiving = of(active, act.user).filter((session) => over.at(session) >= act.begin)
    active.set(act.user, stillLiving)
    const found = stillLiving.filter((session) => mayEnd(act, session))
    reach.set(
      act,
      found.filter((session) => (sessions[session]?.login.end ?? 0) < act.begin),
    )
    if (act.outcome !== 'unknown') return
    cause.noteAll(found, act.begin, n)
    of(unknown, act.user).push(act)
    of(looming, act.user).push(n)
  }

  function mayEnd(act: Logout, session: number): boolean {
    return over.at(session) >= act.begin && !(act.scope === 'others' && session === act.actor)
  }

  function isAnswered(act: Act, n: number): void {
    if (act.kind === 'deletion') over.noteAll(act.targets, act.end + bounds.deletionMs, n)
    if (act.kind === 'expiry')
      over.note(act.target, act.end + Math.max(act.ttl + CLOCKS_MS, bounds.deletionMs), n)
    if (act.kind !== 'logout') return
    over.noteAll(act.revoked, act.end, n)
    if (act.scope !== 'others') over.note(aim(act), act.end, n)
    if (isWide(act)) over.noteAll(reachOf(act), act.end, n)
  }

  /**
   * An answer that names no session may repeat an earlier logout: `global` then claims what the logout that ended its
   * caller had to end. `others` may have found no other session, and claims nothing new.
   */
  function reachOf(act: Logout): number[] {
    if (act.revoked.length + act.strangers > 0) return reach.get(act) ?? []
    if (act.scope === 'others') return []
    const named = endedBy.get(act.actor)
    const possible = (other: Logout) => (sessions[act.actor]?.login.begin ?? 0) <= other.end + bounds.effectMs
    const before = named ? [named] : of(unknown, act.user).filter(possible)
    const globals = before.filter(({ scope, begin }) => scope === 'global' && begin < act.end)
    const first = globals.sort((a, b) => a.begin - b.begin)[0]
    return (first && reach.get(first)) ?? []
  }
}

function isWide({ scope }: Logout): boolean {
  return scope === 'global' || scope === 'others'
}

/** The session that a logout ends in any case, unless its scope is `others`. */
function aim({ scope, actor, target = actor }: Logout): number {
  return scope === 'one' ? target : actor
}

function of<T>(lists: Map<number, T[]>, user: number): T[] {
  const list = lists.get(user) ?? []
  lists.set(user, list)
  return list
}

/** For each session the earliest recorded time, and the act that it came from. */
function earliest(size: number) {
  const times = new Float64Array(size).fill(Number.POSITIVE_INFINITY)
  const sources = new Int32Array(size).fill(NONE)
  function note(session: number, at: number, act: number): void {
    if (at >= (times[session] ?? Number.NEGATIVE_INFINITY)) return
    times[session] = at
    sources[session] = act
  }
  return {
    note,
    noteAll(list: readonly number[], at: number, act: number): void {
      for (const session of list) note(session, at, act)
    },
    at: (session: number) => times[session] ?? Number.POSITIVE_INFINITY,
    by: (session: number) => sources[session] ?? NONE,
  }
}
