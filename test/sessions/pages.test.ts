/** The pages state what happened, to the right user, and reveal nothing else. */
import t from 'tap'
import { ERRORS, type ErrorCode } from '../../src/errors.ts'
import { carryOut } from '../../src/staff/incidents/runner.ts'
import { errorPage } from '../../src/ui/error-page.ts'
import { relativeTime } from '../../src/ui/format.ts'
import { begin } from '../support/incidents.ts'
import { startService } from '../support/service.ts'

const service = await startService()
const NOBODY = { userAgent: null, ipAddress: null }

t.test("an earlier logout's outcome is not shown as the reason of a later end", async (t) => {
  const user = await service.addUser()
  const laptop = await service.signIn(user)
  const outcome = await logOut(laptop.token, 'others')
  const phone = await service.signIn(user)
  await service.sessions.logout(phone.token, 'global', NOBODY)
  const text = await show('/signed-out', laptop.token, outcome)
  t.match(text, 'You were signed out everywhere on')
  t.notMatch(text, 'No other device was signed in')
})

t.test('a lost cookie is not attributed to an earlier logout of the other devices', async (t) => {
  const laptop = await service.signIn(await service.addUser())
  const outcome = await logOut(laptop.token, 'others')
  t.match(await show('/signed-out', null, outcome), 'This browser has no session.')
})

t.test('the outcome of a logout from before this sign-in is not shown', async (t) => {
  const user = await service.addUser()
  const outcome = await logOut((await service.signIn(user)).token, 'global')
  t.match(await show('/signed-out', null, outcome), 'You are signed out everywhere')
  const again = await service.signIn(user)
  const text = await show('/', again.token, outcome)
  t.match(text, 'Your devices')
  t.notMatch(text, 'signed out')
})

t.test("a user never sees the outcome of another user's logout", async (t) => {
  const outcome = await logOut((await service.signIn(await service.addUser())).token, 'global')
  const other = await service.signIn(await service.addUser())
  t.notMatch(await show('/', other.token, outcome), 'signed out')
  await service.sessions.logout(other.token, 'local', NOBODY)
  t.notMatch(await show('/signed-out', other.token, outcome), 'signed out everywhere')
})

t.test('the outcome of a logout is shown only to the browser that asked for it', async (t) => {
  const ada = await service.addUser()
  const phone = await service.signIn(ada, 'AdasPhone/1.0', '203.0.113.99')
  await service.signIn(ada, 'AdasLaptop/1.0', '203.0.113.98')
  const outcome = await logOut(phone.token, 'global')
  const [name = '', receipt = ''] = outcome.split('=')
  const [operationId = ''] = receipt.split('.')
  const [{ id: known } = { id: '' }] = await service.database.psql<{ id: string }>(
    'select id from operation where user_id = $1',
    [ada],
  )
  t.equal(operationId, known)

  const eve = await service.signIn(await service.addUser())
  const [, ofEve = ''] = (await logOut(eve.token, 'local')).split('.')
  const forged = [known, `${known}.`, `${known}.${'A'.repeat(43)}`, `${known}.${ofEve}`, `${receipt}x`]
  for (const value of forged)
    for (const token of [null, 'unknown', eve.token]) {
      const text = await show('/signed-out', token, `${name}=${value}`)
      t.match(text, 'signed')
      t.notMatch(text, /Adas|203\.0\.113|everywhere/, value)
    }
  t.match(await show('/signed-out', null, outcome), /AdasPhone.*AdasLaptop/s, 'Ada sees what she did')
})

t.test('the id of an incident does not reveal which other users it signed out', async (t) => {
  const [victim, other] = [await service.addUser(), await service.addUser()]
  const { id } = await service.signIn(victim)
  await service.signIn(other, 'OthersPhone/1.0', '203.0.113.77')
  const planId = await begin(service, { userIds: [victim, other] })
  await carryOut(service.database, service.barrier, planId)
  const { token } = await service.signIn(victim)
  const response = await service.as(token, `/api/sessions/${id}`, { method: 'DELETE' })
  const cookies = response.headers.getSetCookie().map((line) => line.split(';', 1)[0] ?? '')
  const [row] = await service.database.psql<{ id: string }>(
    'select operation_id as id from revoked_session where session_id = $1',
    [id],
  )
  t.ok(row?.id)
  for (const cookie of [...cookies, `global-logout.outcome=${row?.id}`])
    for (const presented of [token, null])
      t.notMatch(await show('/signed-out', presented, cookie), /OthersPhone|203\.0\.113/)
})

t.test('a session that was ended outside this service is shown as ended, without a cause', async (t) => {
  const { token, id } = await service.signIn(await service.addUser())
  await service.database.psql('delete from session where id = $1', [id])
  const text = await show('/signed-out', token)
  t.match(text, /You were signed out on <time/)
  t.notMatch(text, 'The sign-out was requested from')
})

t.test('a user signed out by staff does not learn who did it, nor of any device', async (t) => {
  const id = await service.addUser()
  const { token } = await service.signIn(id)
  const by = {
    actorKind: 'staff' as const,
    actorId: 'grace',
    userAgent: 'StaffLaptop/1.0',
    ipAddress: '192.0.2.44',
  }
  await service.accounts.revoke(id, { reason: 'Ticket 4711' }, by)
  const text = await show('/signed-out', token)
  t.match(text, 'Our security team signed you out')
  for (const secret of ['StaffLaptop', 'grace', '192.0.2.44', 'Ticket 4711']) t.notMatch(text, secret)
})

t.test('no error page claims that the user is signed in or out; a 5xx page offers to try again', (t) => {
  for (const code of Object.keys(ERRORS) as ErrorCode[]) {
    const { status, title } = ERRORS[code]
    const detail = 'What the caller is told.'
    const page = String(errorPage({ status, code, title, detail, requestId: 'request-1' }))
    t.notMatch(page, /signed out|logged out|still signed in/i, code)
    t.equal(page.includes('Try again') && page.includes('request-1'), status >= 500, code)
  }
  t.end()
})

t.test('a form that could not be sent can be sent again with the values that were typed in', (t) => {
  const { status, title } = ERRORS.unavailable
  const page = (sent: boolean) =>
    String(errorPage({ status, code: 'unavailable', title, detail: '', requestId: 'request-1', sent }))
  t.match(page(true), 'reload this page')
  t.notMatch(page(false), 'reload this page')
  t.end()
})

t.test('relative times in words', (t) => {
  const now = new Date('2026-11-23T12:00:00Z')
  const words: [seconds: number, string][] = [
    [-30, 'just now'],
    [0, 'just now'],
    [59, 'just now'],
    [60, '1 minute ago'],
    [119, '1 minute ago'],
    [3_600, '1 hour ago'],
    [86_400, 'yesterday'],
    [6 * 86_400, '6 days ago'],
    [15 * 86_400, '2 weeks ago'],
    [60 * 86_400, '2 months ago'],
    [800 * 86_400, '2 years ago'],
  ]
  for (const [seconds, expected] of words)
    t.equal(relativeTime(new Date(now.getTime() - seconds * 1000), now), expected)
  t.end()
})

/** Logs out through the form. @returns the cookie that carries the outcome to the next page. */
async function logOut(token: string, scope: string): Promise<string> {
  const body = new URLSearchParams({ scope })
  const response = await service.as(token, '/logout', { method: 'POST', body })
  const cookie = response.headers.getSetCookie().find((line) => line.startsWith('global-logout.outcome='))
  return cookie?.split(';')[0] ?? ''
}

async function show(path: string, token: string | null, ...cookies: string[]): Promise<string> {
  const cookie = [...(token ? [`${service.cookieName}=${token}`] : []), ...cookies].join('; ')
  return (await service.http(path, { headers: { cookie, accept: 'text/html' } })).text()
}
