/** The checker agrees with a plain definition, which compares every check with every act, on any history. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { judge, type Rules } from './checker.ts'
import { historyOf, span } from './histories.ts'
import type { Logout, Outcome, Scope, SessionRecord, Verdict } from './history.ts'
import { naively } from './reference.ts'
import '../../support/seed.ts'

const RULES: Rules[] = [
  { deletionMs: 0, effectMs: 10, refusalIsFinal: true },
  { deletionMs: 20, effectMs: 10, refusalIsFinal: false },
]

const at = fc.nat(60)
const spanOf = fc
  .tuple(at, fc.integer({ min: 1, max: 15 }))
  .map(([begin, length]) => span(begin, begin + length))
const outcome = fc.constantFrom<Outcome>('done', 'done', 'unknown', 'nothing', 'refused')
const SESSIONS = 6
const session = fc.nat(SESSIONS - 1)

/** Arbitrary histories: most are impossible, and both must judge them alike. */
const anyHistory = fc
  .record({
    sessions: fc.array(fc.record({ user: fc.nat(1), login: spanOf }), {
      minLength: SESSIONS,
      maxLength: SESSIONS,
    }),
    acts: fc.array(
      fc.oneof(
        {
          weight: 4,
          arbitrary: fc
            .record({
              scope: fc.constantFrom<Scope>('local', 'others', 'global', 'global', 'one'),
              actor: session,
              target: session,
              when: spanOf,
              outcome,
              revoked: fc.uniqueArray(session, { maxLength: 3 }),
              strangers: fc.constantFrom(0, 0, 0, 1),
            })
            .map(({ when, revoked, ...act }) => ({
              ...act,
              ...when,
              kind: 'logout' as const,
              instance: 0,
              status: 200,
              user: 0,
              revoked: act.outcome === 'done' ? revoked : [],
            })),
        },
        fc
          .record({ targets: fc.uniqueArray(session, { maxLength: 2 }), when: spanOf, outcome })
          .map(({ when, ...act }) => ({ ...act, ...when, kind: 'deletion' as const })),
        fc
          .record({ target: session, when: spanOf, outcome, ttl: fc.nat(80) })
          .map(({ when, ...act }) => ({ ...act, ...when, kind: 'expiry' as const })),
      ),
      { maxLength: 8 },
    ),
    checks: fc.array(
      fc
        .record({
          session,
          when: fc.tuple(spanOf, at).map(([{ begin, end }, later]) => span(begin + later, end + later)),
          verdict: fc.constantFrom<Verdict>('valid', 'refused', 'undecided'),
        })
        .map(({ when, ...check }) => ({ ...check, ...when, instance: 0 })),
      { maxLength: 20 },
    ),
    lost: fc.option(fc.record({ user: fc.nat(1), begin: at }), { nil: undefined }),
  })
  .map(({ sessions, acts, checks, lost }) =>
    historyOf(
      [
        ...sessions,
        ...(lost ? [{ user: lost.user, login: span(lost.begin, Number.POSITIVE_INFINITY) }] : []),
      ],
      acts.map((act) =>
        act.kind === 'logout' ? afterLogin(act, sessions[act.actor] as SessionRecord) : act,
      ),
      checks,
    ),
  )

/** No session logs out before its login. */
function afterLogin(act: Logout, { user, login }: SessionRecord): Logout {
  return { ...act, user, begin: act.begin + login.end, end: act.end + login.end }
}

t.test('both find the same violations', async (t) => {
  let found = 0
  for (const rules of RULES) {
    fc.assert(
      fc.property(anyHistory, (made) => {
        const { violations } = judge(made, rules)
        found += violations.length
        const ours = violations.map(({ rule, check, session }) => `${check ?? 'act'} ${session} ${rule}`)
        assert.deepEqual(ours.sort(), naively(made, rules).sort())
      }),
      { numRuns: 10_000 },
    )
  }
  t.ok(found > 5_000, `the histories had enough violations: ${found}`)
})
