/** The checker reports every violation, and nothing else, in histories written by hand. */
import t from 'tap'
import { judge, type Rule, type Rules } from './checker.ts'
import { historyOf, span } from './histories.ts'
import type { Act, History, Logout, Scope, Span, Verdict } from './history.ts'

const RULES: Rules = { deletionMs: 0, effectMs: 10, refusalIsFinal: true }
const LEASED: Rules = { deletionMs: 20, effectMs: 10, refusalIsFinal: false }
const [ADA, BOB] = [0, 1]
const [PHONE, LAPTOP, TABLET, BOBS] = [0, 1, 2, 3]

/** Ada's phone and laptop signed in before 10, her tablet from 100 to 110; Bob's session before 10. */
function history(acts: Act[], checks: [session: number, verdict: Verdict, begin: number, end: number][]) {
  const logins: [number, number, number][] = [
    [ADA, 0, 1],
    [ADA, 2, 3],
    [ADA, 100, 110],
    [BOB, 4, 5],
  ]
  return historyOf(
    logins.map(([user, begin, end]) => ({ user, login: { begin, end } })),
    acts,
    checks.map(([session, verdict, begin, end]) => ({ session, verdict, begin, end, instance: 0 })),
  )
}

const logout = (scope: Scope, actor: number, when: Span, rest: Partial<Logout> = {}): Logout => ({
  kind: 'logout',
  scope,
  actor,
  user: actor === BOBS ? BOB : ADA,
  instance: 0,
  status: 200,
  outcome: 'done',
  revoked: [],
  strangers: 0,
  ...when,
  ...rest,
})

function rulesBroken(made: History, rules = RULES): Rule[] {
  return judge(made, rules).violations.map(({ rule }) => rule)
}

const GLOBAL = logout('global', PHONE, span(20, 30), { revoked: [PHONE, LAPTOP] })

t.test('a check that began after a logout had answered, and was answered "valid", is reported', async (t) => {
  t.same(rulesBroken(history([GLOBAL], [[LAPTOP, 'valid', 31, 32]])), ['valid after its end'])
  const [violation] = judge(history([GLOBAL], [[LAPTOP, 'valid', 31, 32]]), RULES).violations
  t.match(violation, { session: LAPTOP, check: 0, what: { begin: 31 }, against: { kind: 'logout', end: 30 } })
})

t.test('a check that began while the logout was in progress may have either answer', async (t) => {
  t.same(
    rulesBroken(
      history(
        [GLOBAL],
        [
          [LAPTOP, 'valid', 29, 50],
          [PHONE, 'refused', 15, 21],
          [BOBS, 'valid', 40, 41],
        ],
      ),
    ),
    [],
  )
})

t.test('each scope must end its sessions, and no others', async (t) => {
  const local = logout('local', PHONE, span(20, 30), { revoked: [PHONE] })
  const others = logout('others', PHONE, span(20, 30), { revoked: [LAPTOP] })
  const one = logout('one', PHONE, span(20, 30), { target: LAPTOP, revoked: [LAPTOP] })
  const both = (act: Act) =>
    rulesBroken(
      history(
        [act],
        [
          [PHONE, 'valid', 40, 41],
          [LAPTOP, 'refused', 40, 41],
        ],
      ),
    )
  t.same(both(local), ['valid after its end', 'refused without a cause'])
  t.same(both(others), [])
  t.same(both(one), [])
})

t.test('a login after the answer of a logout stays valid; an overlapping one may be ended', async (t) => {
  const before = logout('global', PHONE, span(90, 95), { revoked: [PHONE, LAPTOP] })
  const during = logout('global', PHONE, span(105, 120), { revoked: [PHONE, LAPTOP] })
  const naming = { ...during, revoked: [PHONE, LAPTOP, TABLET] }
  t.same(rulesBroken(history([before], [[TABLET, 'refused', 130, 131]])), ['refused without a cause'])
  t.same(rulesBroken(history([during], [[TABLET, 'valid', 130, 131]])), [])
  t.same(rulesBroken(history([naming], [[TABLET, 'refused', 130, 131]])), [])
  t.same(rulesBroken(history([naming], [[TABLET, 'valid', 130, 131]])), ['valid after its end'])
})

t.test('a logout with unknown outcome allows both answers, until a later logout is definite', async (t) => {
  const unknown = logout('global', PHONE, span(20, 30), { outcome: 'unknown' })
  const either: [number, Verdict, number, number][] = [
    [LAPTOP, 'valid', 31, 32],
    [LAPTOP, 'refused', 33, 34],
  ]
  t.same(rulesBroken(history([unknown], either)), [])
  t.same(rulesBroken(history([unknown], [...either, [LAPTOP, 'valid', 35, 36]])), ['revived'])
  t.same(rulesBroken(history([unknown], [...either, [LAPTOP, 'valid', 35, 36]]), LEASED), [])
  const repeated = logout('global', PHONE, span(40, 50))
  t.same(rulesBroken(history([unknown, repeated], [[LAPTOP, 'valid', 51, 52]])), ['valid after its end'])
  t.same(rulesBroken(history([unknown], [[TABLET, 'refused', 130, 131]])), ['refused without a cause'])
})

t.test('a logout that reported no change is no cause', async (t) => {
  for (const outcome of ['nothing', 'refused'] as const) {
    const act = logout('global', PHONE, span(20, 30), { outcome })
    t.ok(rulesBroken(history([act], [[LAPTOP, 'refused', 40, 41]])).includes('refused without a cause'))
  }
})

t.test('a 401 to a logout needs a cause as well', async (t) => {
  t.same(rulesBroken(history([logout('local', PHONE, span(20, 30), { outcome: 'refused' })], [])), [
    'refused without a cause',
  ])
})

t.test('a deletion by SQL takes effect at once in database mode, or when leases end', async (t) => {
  const deletion: Act = { kind: 'deletion', targets: [LAPTOP], outcome: 'done', ...span(20, 30) }
  const soon = history([deletion], [[LAPTOP, 'valid', 45, 46]])
  const late = history([deletion], [[LAPTOP, 'valid', 51, 52]])
  t.same([rulesBroken(soon), rulesBroken(soon, LEASED)], [['valid after its end'], []])
  t.same([rulesBroken(late), rulesBroken(late, LEASED)], [['valid after its end'], ['valid after its end']])
})

t.test('a session is valid until its expiry, and not longer', async (t) => {
  const expiry: Act = { kind: 'expiry', target: LAPTOP, ttl: 1000, outcome: 'done', ...span(20, 30) }
  t.same(rulesBroken(history([expiry], [[LAPTOP, 'refused', 900, 901]])), ['refused without a cause'])
  t.same(rulesBroken(history([expiry], [[LAPTOP, 'valid', 1000, 1001]])), [])
  t.same(rulesBroken(history([expiry], [[LAPTOP, 'refused', 1000, 1001]])), [])
  t.same(rulesBroken(history([expiry], [[LAPTOP, 'valid', 1100, 1101]])), ['valid after its end'])
})

t.test('an answer that names another session, and an unexpected answer, are reported', async (t) => {
  const made = history(
    [],
    [
      [PHONE, 'wrong', 40, 41],
      [PHONE, 'odd', 40, 41],
      [PHONE, 'undecided', 40, 41],
      [PHONE, 'lost', 40, 41],
    ],
  )
  t.same(rulesBroken(made), ['named another session', 'unexpected answer'])
  t.same(rulesBroken(history([{ ...GLOBAL, status: 500, outcome: 'unknown', revoked: [] }], [])), [
    'unexpected answer',
  ])
})

t.test('a logout names only valid sessions of its user, each once', async (t) => {
  const again = logout('global', PHONE, span(40, 50), { revoked: [LAPTOP] })
  t.same(rulesBroken(history([GLOBAL, again], [])), ['ended twice'])
  const local = logout('local', PHONE, span(20, 30))
  t.same(rulesBroken(history([local, { ...again, revoked: [PHONE, LAPTOP] }], [])), ['ended twice'])
  t.same(rulesBroken(history([{ ...GLOBAL, revoked: [BOBS] }], [])), ["ended another user's"])
  t.same(rulesBroken(history([{ ...GLOBAL, strangers: 1 }], [])), ["ended another user's"])
})

t.test('checks that could have shown a broken promise are counted', async (t) => {
  const made = history(
    [GLOBAL],
    [
      [LAPTOP, 'refused', 31, 32],
      [LAPTOP, 'refused', 200, 201],
      [LAPTOP, 'undecided', 31, 32],
      [BOBS, 'valid', 31, 32],
    ],
  )
  t.match(judge(made, RULES), { tested: 2, promptly: 1 })
})

t.test('after a promotion, the replaced server may not know later sessions, for one lease', async (t) => {
  const after = (check: [session: number, verdict: Verdict, begin: number, end: number]) => {
    const made = history([GLOBAL], [check])
    made.promotions.push(span(99, 99))
    return rulesBroken(made)
  }
  t.same(after([TABLET, 'refused', 130, 131]), [])
  t.same(after([TABLET, 'refused', 4_000, 4_001]), ['refused without a cause'])
  t.same(after([BOBS, 'refused', 130, 131]), ['refused without a cause'], 'it began before')
  t.same(after([LAPTOP, 'valid', 130, 131]), ['valid after its end'])
})
