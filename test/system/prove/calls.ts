/** The two calls under test, check and logout, over HTTP. Each is recorded with its times and its outcome. */
import { type History, type Logout, type Scope, VERDICTS, type Verdict } from './history.ts'
import type { Instance } from './instances.ts'
import { type Device, type Users, userId } from './users.ts'
import { type Answer, headerOf, request } from './wire.ts'

export type Calls = ReturnType<typeof createCalls>

export function createCalls(history: History, users: Users) {
  const verdicts = Object.fromEntries(VERDICTS.map((verdict) => [verdict, 0])) as Record<Verdict, number>

  return {
    /** How many checks were answered, by verdict. */
    verdicts: verdicts as Readonly<Record<Verdict, number>>,

    async check({ number, wire }: Instance, device: Device): Promise<Verdict> {
      const answer = await wire.ask(device.check)
      const { begin, end } = answer
      const verdict = verdictOf(answer, device)
      verdicts[verdict]++
      history.checks.add({ begin, end, session: device.session, instance: number, verdict })
      if (verdict === 'refused') users.isOver(device)
      return verdict
    },

    async logout({ number, wire }: Instance, scope: Scope, actor: Device, target = actor): Promise<Logout> {
      const act: Logout = {
        kind: 'logout',
        scope,
        instance: number,
        user: actor.user,
        actor: actor.session,
        ...(scope === 'one' && { target: target.session }),
        status: 0,
        outcome: 'unknown',
        revoked: [],
        strangers: 0,
        begin: performance.now(),
        end: Number.POSITIVE_INFINITY,
      }
      history.acts.push(act)
      const answer = await wire.ask(
        scope === 'one'
          ? request('DELETE', `/api/sessions/${target.id}`, actor.token)
          : request('POST', '/api/logout', actor.token, { scope }),
      )
      Object.assign(act, outcomeOf(answer), {
        begin: answer.begin,
        end: answer.end,
        status: answer.status,
      })
      if (act.outcome !== 'done') return act
      const named = (JSON.parse(answer.body) as { revoked: { id: string }[] }).revoked
      // A logout may be answered before a sign-in whose session it ended.
      if (named.some(({ id }) => users.numberOf(id) === undefined)) await users.answeredAll(actor.user)
      act.revoked = named.flatMap(({ id }) => users.numberOf(id) ?? [])
      act.strangers = named.length - act.revoked.length
      return act
    },
  }
}

function verdictOf({ status, head }: Answer, { user, id }: Device): Verdict {
  if (status === 0) return 'lost'
  if (status === 401) return 'refused'
  if (status === 503) return 'undecided'
  if (status !== 200) return 'odd'
  const isTheirs = headerOf(head, 'x-user-id') === userId(user) && headerOf(head, 'x-session-id') === id
  return isTheirs ? 'valid' : 'wrong'
}

/** The outcome of a logout by its status, as the README's error codes say. */
function outcomeOf({ status, body }: Answer): Pick<Logout, 'outcome'> {
  if (status === 200) return { outcome: 'done' }
  if (status === 401) return { outcome: 'refused' }
  if (status === 404 || (status === 503 && body.includes('"unavailable"'))) return { outcome: 'nothing' }
  return { outcome: 'unknown' }
}
