/** No session outlives its logout when many logins, logouts, activity updates and checks run at once. */
import { eq } from 'drizzle-orm'
import fc from 'fast-check'
import t from 'tap'
import type { Problem } from '../../src/errors.ts'
import { updateLastSeen } from '../../src/sessions/queries.ts'
import { session } from '../../src/sessions/schema.ts'
import { testDatabase } from '../support/database.ts'
import { seed } from '../support/seed.ts'
import { startService } from '../support/service.ts'
import { untilDecided } from '../support/until-decided.ts'
import { waitFor } from '../support/within.ts'

const service = await startService({ database: await testDatabase({ max: 30 }) })
const { database } = service
/** The service with retries on 503, which has changed nothing. */
const sessions: typeof service.sessions = {
  ...service.sessions,
  create: (login) => untilDecided(() => service.sessions.create(login)),
  find: (token) => untilDecided(() => service.sessions.find(token)),
  logout: (...request) => untilDecided(() => service.sessions.logout(...request)),
}
const nobody = { userAgent: null, ipAddress: null }
const ROUNDS = 500
/**
 * Rounds are added until both outcomes have occurred this often, because their ratio depends on the machine.
 */
const OF_EACH_OUTCOME = 51
const MOST_ROUNDS = 10 * ROUNDS
const LOGINS_A_ROUND = 5

t.test(
  `a login that races a global logout is ended by it, or survives and is not listed (${ROUNDS * LOGINS_A_ROUND} logins)`,
  async (t) => {
    const outcomes = { ended: 0, lives: 0 }
    const isRace = () => Math.min(outcomes.ended, outcomes.lives) >= OF_EACH_OUTCOME
    const goesOn = (round: number) => round < ROUNDS || (round < MOST_ROUNDS && !isRace())
    const played = await inParallel(goesOn, 4, async (round) => {
      const userId = await service.addUser()
      const phone = await service.signIn(userId)
      const [delays] = fc.sample(
        fc.array(fc.nat(4), { minLength: LOGINS_A_ROUND, maxLength: LOGINS_A_ROUND }),
        { numRuns: 1, seed: seed + round },
      ) as [number[]]
      let logoutAnswered = false
      const logout = later(delays[0] ?? 0).then(async () => {
        const outcome = await sessions.logout(phone.token, 'global', nobody)
        logoutAnswered = true
        return outcome
      })
      const logins = delays.map(async (turns) => {
        await later(turns)
        const beganAfter = logoutAnswered
        const { token, session } = await sessions.create({ userId, ...nobody })
        return { beganAfter, token, id: session.id }
      })
      const { revoked } = await logout
      for (const login of await Promise.all(logins)) {
        const ended = revoked.some(({ id }) => id === login.id)
        const status = (await sessions.find(login.token)) ? 'lives' : 'ended'
        outcomes[status]++
        if (status === 'ended' ? !ended || login.beganAfter : ended) {
          t.fail(
            `round ${round}: a login ${status}, though the logout ${ended ? 'names' : 'does not name'} it`,
          )
        }
      }
      if (await sessions.find(phone.token))
        t.fail(`round ${round}: the session that logged out is still valid`)
    })
    t.comment({ ...outcomes, rounds: played })
    t.ok(isRace(), 'both outcomes occurred often, so the logins did race')
  },
)

t.test('no check passes after a logout that raced eight loops of checks (the Keycloak recipe)', async (t) => {
  for (let round = 0; round < 25; round++) {
    const { token, id } = await service.signIn(await service.addUser())
    await database.psql(`update session set "lastSeenAt" = now() - interval '1 hour' where id = $1`, [id])
    let over = false
    const seen: number[] = []
    const loops = Array.from({ length: 8 }, async () => {
      while (!over) {
        const asked = over
        const status = await service.check(token)
        await service.lastSeen.flush()
        if (asked) seen.push(status)
      }
    })
    const response = await waitFor('the logout to be decided', async () => {
      const answer = await service.as(token, '/api/logout', { method: 'POST' })
      return answer.status !== 503 && answer
    })
    t.equal(response.status, 200)
    const after = await Promise.all(Array.from({ length: 8 }, () => check(token)))
    over = true
    await Promise.all(loops)
    await service.lastSeen.flush()
    t.same([...new Set([...after, ...seen, await check(token)])], [401])
    t.same(
      await database.run((db) => db.select().from(session).where(eq(session.id, id))),
      [],
      'no activity update brought the row back',
    )
  }
})

t.test('activity updates of a session that is being ended neither fail nor revive it', async (t) => {
  const played = await inParallel(
    (round) => round < 200,
    4,
    async () => {
      const { token, id } = await service.signIn(await service.addUser())
      await database.psql(`update session set "lastSeenAt" = now() - interval '1 hour' where id = $1`, [id])
      const touch = () => untilDecided(() => database.run((db) => updateLastSeen(db, [id])))
      await Promise.all([touch(), sessions.logout(token, 'global', nobody), touch(), touch()])
      if (await sessions.find(token)) t.fail('the session is still valid')
    },
  )
  t.equal(played, 200)
})

t.test('two devices that log out everywhere at once both succeed, and both are signed out', async (t) => {
  const played = await inParallel(
    (round) => round < 200,
    4,
    async () => {
      const userId = await service.addUser()
      const [phone, laptop] = [await service.signIn(userId), await service.signIn(userId)]
      const outcomes = await Promise.all(
        [phone, laptop].map(({ token }) => sessions.logout(token, 'global', nobody)),
      )
      const acts = outcomes.filter(({ operationId }) => operationId !== null)
      if (acts.length !== 1) t.fail('one logout ends both sessions; the other finds them ended')
      if (outcomes.flatMap(({ revoked }) => revoked).length !== 2) t.fail('each session is ended once')
    },
  )
  t.equal(played, 200)
})

t.test('a logout of the others by a session that is ended meanwhile ends no new session', async (t) => {
  const played = await inParallel(
    (round) => round < 200,
    4,
    async () => {
      const userId = await service.addUser()
      const [thief, owner] = [await service.signIn(userId), await service.signIn(userId)]
      const answers = await Promise.allSettled([
        sessions.logout(owner.token, 'others', nobody),
        sessions.logout(thief.token, 'others', nobody),
      ])
      const { sessions: active } = await sessions.list(userId)
      if (active.length !== 1) t.fail(`one of the two must stay valid, not ${active.length}`)
      const refused = answers.filter(
        (answer) => answer.status === 'rejected' && (answer.reason as Problem).code === 'invalid_token',
      )
      if (refused.length !== 1) t.fail('the one that was ended gets invalid_token')
    },
  )
  t.equal(played, 200)
})

t.test('many logins of one user cannot starve the logout', async (t) => {
  const userId = await service.addUser()
  const phone = await service.signIn(userId)
  let over = false
  const storm = Array.from({ length: 6 }, async () => {
    while (!over) await sessions.create({ userId, ...nobody })
  })
  for (let i = 0; i < 20; i++) await sessions.create({ userId, ...nobody })
  const outcome = await sessions.logout(phone.token, 'global', nobody)
  over = true
  await Promise.all(storm)
  t.ok(outcome.revoked.length > 20)
})

/** Lets `turns` turns of the event loop pass. */
async function later(turns: number): Promise<void> {
  for (let i = 0; i < turns * 10; i++) await new Promise((turn) => setImmediate(turn))
}

/** The status of `/check`, retried while it is 503. */
async function check(token: string): Promise<number> {
  return await waitFor('a check that is decided', async () => {
    const status = await service.check(token)
    return status !== 503 && status
  })
}

/**
 * Plays rounds, `lanes` at a time, while `goesOn`. A round calls `t.fail` itself. @returns how many were
 * played.
 */
async function inParallel(
  goesOn: (round: number) => boolean,
  lanes: number,
  work: (round: number) => Promise<void>,
): Promise<number> {
  let next = 0
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      while (goesOn(next)) await work(next++)
    }),
  )
  return next
}
