/**
 * The record of a run: every call with the time before it was sent and the time after its answer was in. The prover is the
 * only client, and all times are of its monotonic clock. Two calls are ordered if one ended before the other began.
 * All others overlap, and neither counts as first.
 *
 * An act is recorded when it begins, as unknown and without an end, so that a history can be judged at any time.
 */

export interface Span {
  /** In milliseconds, like every time here. */
  begin: number
  /** Infinity while there is no answer. */
  end: number
}

/** A session, by its number. `login.end` is Infinity when the answer was lost: it may exist, and its token is lost. */
export interface SessionRecord {
  user: number
  login: Span
}

export type Scope = 'local' | 'others' | 'global' | 'one'

/**
 * The outcome of a call that changes something. `done`: a 2xx. `refused`: its caller's session has ended, as
 * a 401 says. `nothing`: it reported no change. `unknown`: it may have happened, or may still happen.
 */
export type Outcome = 'done' | 'refused' | 'nothing' | 'unknown'

export interface Logout extends Span {
  kind: 'logout'
  scope: Scope
  /** The instance that got the request. */
  instance: number
  user: number
  /** The session of the caller. */
  actor: number
  /** The session to end; for scope `one` only. */
  target?: number
  /** 0 when there was no answer. */
  status: number
  outcome: Outcome
  /** The sessions that the answer named. */
  revoked: number[]
  /** How many sessions in the answer the history does not know. */
  strangers: number
}

/** Rows of `session` deleted by SQL. */
export interface Deletion extends Span {
  kind: 'deletion'
  targets: number[]
  outcome: Outcome
}

/** `expires` moved by SQL to `ttl` milliseconds after the statement, which ran between begin and end. */
export interface Expiry extends Span {
  kind: 'expiry'
  target: number
  ttl: number
  outcome: Outcome
}

export type Act = Logout | Deletion | Expiry

/** The answer of a check, in this order: 200 with the right ids, 401, 503, none, 200 with other ids, any other. */
export const VERDICTS = ['valid', 'refused', 'undecided', 'lost', 'wrong', 'odd'] as const
export type Verdict = (typeof VERDICTS)[number]

export interface Check extends Span {
  session: number
  instance: number
  verdict: Verdict
}

export interface History {
  sessions: SessionRecord[]
  acts: Act[]
  checks: Checks
  /** When another server became the primary. */
  promotions: Span[]
}

type Checks = ReturnType<typeof createChecks>

export function createHistory(): History {
  return { sessions: [], acts: [], checks: createChecks(), promotions: [] }
}

/** Checks in the order of their answers, 22 bytes each. */
function createChecks(capacity = 256) {
  let length = 0
  let begin = new Float64Array(capacity)
  let end = new Float64Array(capacity)
  let session = new Uint32Array(capacity)
  let instance = new Uint8Array(capacity)
  let verdict = new Uint8Array(capacity)

  function grow(): void {
    const size = end.length * 2
    const grown = <T extends Float64Array | Uint32Array | Uint8Array>(to: T, from: T): T => {
      to.set(from)
      return to
    }
    begin = grown(new Float64Array(size), begin)
    end = grown(new Float64Array(size), end)
    session = grown(new Uint32Array(size), session)
    instance = grown(new Uint8Array(size), instance)
    verdict = grown(new Uint8Array(size), verdict)
  }

  return {
    get length() {
      return length
    },
    add(check: Check): void {
      if (length === end.length) grow()
      begin[length] = check.begin
      end[length] = check.end
      session[length] = check.session
      instance[length] = check.instance
      verdict[length] = VERDICTS.indexOf(check.verdict)
      length++
    },
    at: (i: number): Check => ({
      begin: begin[i] as number,
      end: end[i] as number,
      session: session[i] as number,
      instance: instance[i] as number,
      verdict: VERDICTS[verdict[i] as number] as Verdict,
    }),
  }
}
