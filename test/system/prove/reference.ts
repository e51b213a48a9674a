/** A second checker, slow and plain: it compares each check with each act. Only for the test of the checker. */
import type { Rules } from './checker.ts'
import type { Act, History, Logout, SessionRecord } from './history.ts'

const CLOCKS_MS = 50

/** The violations of a history: `<number of the check, or act> <session> <rule>`. */
export function naively({ sessions, acts, checks }: History, rules: Rules): string[] {
  const logouts = acts.filter((act) => act.kind === 'logout')
  const wide = ({ scope }: Logout) => scope === 'global' || scope === 'others'

  /** Whether a wide logout had to find the session. */
  function finds(act: Logout, n: number, session: SessionRecord): boolean {
    if (session.user !== act.user || (act.scope === 'others' && act.actor === n)) return false
    return session.login.end < act.begin
  }

  /** Whether it claims to have ended the session itself, or by the logout which it repeats. */
  function claims(act: Logout, n: number, session: SessionRecord): boolean {
    if (!wide(act)) return false
    if (act.revoked.length + act.strangers > 0) return finds(act, n, session)
    if (act.scope === 'others') return false
    const named = logouts.findLast(({ revoked }) => revoked.includes(act.actor))
    const actor = sessions[act.actor] as SessionRecord
    const before = named
      ? [named]
      : logouts.filter(
          ({ outcome, scope, user, end }) =>
            outcome === 'unknown' &&
            scope === 'global' &&
            user === act.user &&
            actor.login.begin <= end + rules.effectMs,
        )
    const begun = before.filter(({ begin }) => begin < act.end)
    const first = Math.min(...begun.map(({ begin }) => begin))
    return begun.some(
      (cause) => cause.scope === 'global' && cause.begin === first && finds(cause, n, session),
    )
  }

  function overAfter(act: Act, n: number, session: SessionRecord): number {
    const never = Number.POSITIVE_INFINITY
    if (act.outcome !== 'done') return never
    if (act.kind === 'deletion') return act.targets.includes(n) ? act.end + rules.deletionMs : never
    if (act.kind === 'expiry')
      return act.target === n ? act.end + Math.max(act.ttl + CLOCKS_MS, rules.deletionMs) : never
    if (act.revoked.includes(n)) return act.end
    if (act.scope === 'one') return act.target === n ? act.end : never
    if (act.scope !== 'others' && act.actor === n) return act.end
    return claims(act, n, session) ? act.end : never
  }

  const over = sessions.map((session, n) => Math.min(...acts.map((act) => overAfter(act, n, session))))

  function mayBeCause(act: Act, n: number, session: SessionRecord): number {
    const never = Number.POSITIVE_INFINITY
    if (act.outcome !== 'done' && act.outcome !== 'unknown') return never
    if (act.kind === 'deletion') return act.targets.includes(n) ? act.begin : never
    if (act.kind === 'expiry') return act.target === n ? act.begin + act.ttl - CLOCKS_MS : never
    if (act.outcome === 'done') return act.revoked.includes(n) ? act.begin : never
    if (!wide(act)) return (act.scope === 'one' ? act.target : act.actor) === n ? act.begin : never
    const aliveThen = (over[n] as number) >= act.begin && session.login.begin <= act.end + rules.effectMs
    const meant = session.user === act.user && !(act.scope === 'others' && act.actor === n)
    return aliveThen && meant ? act.begin : never
  }

  const cause = sessions.map((session, n) => Math.min(...acts.map((act) => mayBeCause(act, n, session))))
  const all = Array.from({ length: checks.length }, (_, i) => checks.at(i))
  const wrong: string[] = []

  for (const [i, { session, verdict, begin, end }] of all.entries()) {
    const refusedBefore = all.some(
      (other) => other.session === session && other.verdict === 'refused' && other.end < begin,
    )
    if (verdict === 'refused' && end < (cause[session] as number))
      wrong.push(`${i} ${session} refused without a cause`)
    if (verdict !== 'valid') continue
    if (begin > (over[session] as number)) wrong.push(`${i} ${session} valid after its end`)
    else if (rules.refusalIsFinal && refusedBefore) wrong.push(`${i} ${session} revived`)
  }
  for (const [i, act] of logouts.entries()) {
    if (act.outcome === 'refused' && act.end < (cause[act.actor] as number))
      wrong.push(`act ${act.actor} refused without a cause`)
    const lost = sessions.some(
      ({ user, login }) => user === act.user && login.end === Number.POSITIVE_INFINITY,
    )
    if (act.strangers > 0 && !lost) wrong.push(`act ${act.actor} ended another user's`)
    for (const n of act.revoked) {
      if (sessions[n]?.user !== act.user) wrong.push(`act ${n} ended another user's`)
      const twice =
        logouts.slice(0, i).some(({ revoked }) => revoked.includes(n)) || (over[n] as number) < act.begin
      if (twice) wrong.push(`act ${n} ended twice`)
    }
  }
  return wrong
}
