/**
 * Reads a history and names every violation in it, in time linear in the number of checks. Pure.
 * `reference.test.ts` compares it with a slow and plain reference.
 */
import { type Bounds, type Endings, findEndings } from './endings.ts'
import type { Act, Check, History, Logout } from './history.ts'

export interface Rules extends Bounds {
  /** Whether no check that begins after a 401 may be "valid": true if every check reads the database. */
  refusalIsFinal: boolean
}

export const RULES = {
  'valid after its end': 'a check that began after a logout of the session had answered was answered "valid"',
  revived: 'a check was answered "valid" although an earlier one had been refused',
  'refused without a cause': '401 for a session that no act had begun to end',
  'named another session': '200 with the ids of another session',
  'unexpected answer': 'a status that the README does not list',
  'ended twice': 'a logout named a session that was over already, or that another logout named too',
  "ended another user's": 'a logout named a session that is not of its user',
} as const
export type Rule = keyof typeof RULES

export interface Violation {
  rule: Rule
  session: number
  /** The check, with its place among the checks, or the act that breaks the rule. */
  what: Check | Act
  check?: number
  /** The check or act that it contradicts. */
  against?: Check | Act
}

export interface Judgement {
  violations: Violation[]
  /** Decided checks that began when the session had to be over. Only these can show a broken promise. */
  tested: number
  /** How many of them began within 100 ms. */
  promptly: number
}

const PROMPTLY_MS = 100
/** W of leases: 3.31 s. */
export const LEASE_MS = 3_310
/** What a logout may answer, as the README lists; 0 is no answer. */
const EXPECTED = [0, 200, 401, 404, 503]

export function judge(history: History, rules: Rules): Judgement {
  const endings = findEndings(history, rules)
  const acts = judgeActs(history, endings)
  const checks = judgeChecks(history, endings, rules)
  return { ...checks, violations: [...acts, ...checks.violations] }
}

/**
 * Whether the replaced server may correctly not know the session: the session began on the new one, and a
 * lease of the old one may last. A lease excludes "valid" after a logout, but does not show what began
 * elsewhere.
 */
function beganElsewhere({ sessions, promotions }: History, session: number, begin: number): boolean {
  const login = sessions[session]?.login.end ?? 0
  return promotions.some((promotion) => login > promotion.begin && begin < promotion.end + LEASE_MS)
}

function judgeChecks(history: History, { over, cause }: Endings, rules: Rules): Judgement {
  const { sessions, acts, checks } = history
  const refused = firstRefusals({ sessions, checks })
  const violations: Violation[] = []
  let tested = 0
  let promptly = 0
  for (let i = 0; i < checks.length; i++) {
    const check = checks.at(i)
    const { session, verdict, begin } = check
    const found = (rule: Rule, against?: Check | Act) =>
      violations.push({ rule, session, what: check, check: i, ...(against && { against }) })
    const sinceEnd = begin - over.at(session)
    if (sinceEnd > 0 && (verdict === 'valid' || verdict === 'refused')) {
      tested++
      if (sinceEnd < PROMPTLY_MS) promptly++
    }
    if (verdict === 'wrong') found('named another session')
    if (verdict === 'odd') found('unexpected answer')
    if (verdict === 'refused' && check.end < cause.at(session) && !beganElsewhere(history, session, begin))
      found('refused without a cause', acts[cause.by(session)])
    if (verdict !== 'valid') continue
    const refusal = refused[session]
    if (sinceEnd > 0) found('valid after its end', acts[over.by(session)])
    else if (rules.refusalIsFinal && refusal && begin > refusal.end) found('revived', refusal)
  }
  return { violations, tested, promptly }
}

/** The refusal of each session that was answered first. */
function firstRefusals({ sessions, checks }: Pick<History, 'sessions' | 'checks'>): (Check | undefined)[] {
  const first: (Check | undefined)[] = new Array(sessions.length)
  for (let i = 0; i < checks.length; i++) {
    const check = checks.at(i)
    if (check.verdict === 'refused' && check.end < (first[check.session]?.end ?? Number.POSITIVE_INFINITY))
      first[check.session] = check
  }
  return first
}

function judgeActs(history: History, { over, cause }: Endings): Violation[] {
  const { sessions, acts } = history
  const violations: Violation[] = []
  const lost = new Set(
    sessions.filter(({ login }) => login.end === Number.POSITIVE_INFINITY).map(({ user }) => user),
  )
  const named = new Map<number, Logout>()
  for (const act of acts) {
    if (act.kind !== 'logout') continue
    const found = (rule: Rule, session: number, against?: Act) =>
      violations.push({ rule, session, what: act, ...(against && { against }) })
    if (!EXPECTED.includes(act.status)) found('unexpected answer', act.actor)
    const unknown = beganElsewhere(history, act.actor, act.begin)
    if (act.outcome === 'refused' && act.end < cause.at(act.actor) && !unknown)
      found('refused without a cause', act.actor, acts[cause.by(act.actor)])
    // A login whose answer was lost may have made the unknown session.
    if (act.strangers > 0 && !lost.has(act.user)) found("ended another user's", act.actor)
    for (const session of act.revoked) {
      if (sessions[session]?.user !== act.user) found("ended another user's", session)
      const before = named.get(session)
      if (before) found('ended twice', session, before)
      else if (over.at(session) < act.begin) found('ended twice', session, acts[over.by(session)])
      named.set(session, act)
    }
  }
  return violations
}
