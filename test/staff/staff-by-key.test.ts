/**
 * A service key cannot gain a staff role: neither by signing staff in, nor by a session that it created
 * earlier.
 */
import t from 'tap'
import type { StaffRole } from '../../src/staff/role-names.ts'
import { hold } from '../support/hold.ts'
import { json, startService } from '../support/service.ts'

const service = await startService()
const { addUser, as, check, database, http, keyFor, signIn } = service

type Key = Awaited<ReturnType<typeof keyFor>>
const create = (body: object, { headers }: Key) => {
  const init = json(body)
  return http('/api/sessions', { ...init, headers: { ...init.headers, ...headers } })
}
/** @returns the token */
async function signInBy(key: Key, body: { user: { id: string }; replaces?: string }): Promise<string> {
  const response = await create(body, key)
  t.equal(response.status, 201)
  return ((await response.json()) as { token: string }).token
}
const giveRole = (userId: string, role: StaffRole) =>
  database.psql('insert into staff (user_id, role) values ($1, $2)', [userId, role])
async function addStaff(role: StaffRole) {
  const userId = await addUser()
  await giveRole(userId, role)
  return userId
}
/** The answers to a session that reads a user, ends the user's sessions, and opens the console. */
async function answers(token: string) {
  const victim = await addUser()
  const open = await signIn(victim)
  const code = async (response: Response) =>
    response.ok ? response.status : ((await response.json()) as { code: string }).code
  const looks = await code(await as(token, `/api/admin/users?q=${victim}`))
  const ends = await code(await as(token, `/api/admin/users/${victim}/revoke`, json({ reason: 'a test' })))
  t.equal(await check(open.token), ends === 200 ? 401 : 200)
  return { looks, ends, console: (await as(token, '/admin')).status }
}
const NOT_STAFF = { looks: 'not_staff', ends: 'not_staff', console: 403 }

t.test('a key with sessions:create cannot sign staff in, nor replace a session of theirs', async (t) => {
  const key = await keyFor('sessions:create')
  for (const role of ['security', 'auditor'] as const) {
    const grace = await addStaff(role)
    const { token } = await signIn(grace)
    for (const body of [{ user: { id: grace } }, { user: { id: grace }, replaces: token }])
      t.match(await (await create(body, key)).json(), {
        status: 403,
        code: 'insufficient_scope',
        detail: /scope security/,
      })
    t.equal(await check(token), 200, 'their own session stays valid')
    t.equal((await database.psql('select from session where "userId" = $1', [grace])).length, 1)
  }
})

t.test('with the scope security it can, and the session may read but end nothing', async (t) => {
  const grace = await addStaff('security')
  const token = await signInBy(await keyFor('sessions:create', 'security'), { user: { id: grace } })
  t.same(await answers(token), { looks: 200, ends: 'sign_in_again', console: 200 })
  const form = await (await as(token, `/admin/user/revoke?id=${grace}`)).text()
  t.match(form, 'signed you in with a service key')
  const body = new URLSearchParams({ reason: 'a test' })
  const sent = await as(token, `/admin/user/revoke?id=${grace}`, { method: 'POST', body })
  t.equal(sent.status, 403)
  t.match(await sent.text(), 'This sign-in cannot make changes')
})

t.test('a session that a key puts in place of a recent sign-in does not count as recent', async (t) => {
  const grace = await addStaff('security')
  const own = await signIn(grace)
  t.same(await answers(own.token), { looks: 200, ends: 200, console: 200 })
  const key = await keyFor('sessions:create', 'security')
  const token = await signInBy(key, { user: { id: grace }, replaces: own.token })
  t.equal(await check(own.token), 401)
  t.same(await answers(token), { looks: 200, ends: 'sign_in_again', console: 200 })
})

t.test('a session that a key created before the role was granted does not have the role', async (t) => {
  const ada = await addUser()
  const token = await signInBy(await keyFor('sessions:create'), { user: { id: ada } })
  await giveRole(ada, 'security')
  t.same(await answers(token), NOT_STAFF)
  t.equal(await check(token), 200, 'it stays valid as an ordinary session')
  t.same(await answers((await signIn(ada)).token), { looks: 200, ends: 200, console: 200 })
})

t.test('nor does one that a key creates while the role is being granted', async (t) => {
  const ada = await addUser()
  const key = await keyFor('sessions:create')
  const giving = await hold(database, `insert into staff (user_id, role) values ($1, 'security')`, [ada])
  const token = await signInBy(key, { user: { id: ada } })
  await giving.end('commit')
  t.same(await answers(token), NOT_STAFF)
})

t.test('when the key is revoked, its sessions lose the staff role', async (t) => {
  const grace = await addStaff('auditor')
  const key = await keyFor('sessions:create', 'security')
  const token = await signInBy(key, { user: { id: grace } })
  t.match(await answers(token), { looks: 200, console: 200 })
  await database.psql('update service_key set revoked_at = now() where id = $1', [key.id])
  t.same(await answers(token), NOT_STAFF)
})

t.test("on a shared computer, the next user's sign-in ends the session that staff left there", async (t) => {
  const [ada, grace] = [await addUser(), await addStaff('security')]
  const left = await signIn(grace)
  const key = await keyFor('sessions:create')
  const token = await signInBy(key, { user: { id: ada }, replaces: left.token })
  t.same([await check(left.token), await check(token)], [401, 200])
})

t.test('a key without the scope security cannot delete staff; with it, the act is recorded', async (t) => {
  const remove = (userId: string, { headers }: Key) =>
    http(`/api/users/${userId}`, { method: 'DELETE', headers })
  const staff = await addStaff('auditor')
  const { token } = await signIn(staff)
  const refused = await remove(staff, await keyFor('users:delete'))
  t.match(await refused.json(), { status: 403, code: 'insufficient_scope' })
  t.equal(await check(token), 200)
  const key = await keyFor('users:delete', 'security')
  t.match(await (await remove(staff, key)).json(), { operationId: String, ended: 1 })
  t.equal(await check(token), 401)
  const recorded = `select actor_kind, actor_id from operation where user_id = $1 and kind = 'user.delete'`
  t.same(await database.psql(recorded, [staff]), [{ actor_kind: 'service', actor_id: key.id }])
})
