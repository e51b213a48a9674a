/** Text from outside cannot disturb the text around it, on pages, in CSV and on a terminal. */
import { request } from 'node:http'
import t from 'tap'
import { table } from '../../src/cli/table.ts'
import { runHere } from '../support/command.ts'
import { csvLine } from '../support/csv.ts'
import { json, NEVER_MS, startService } from '../support/service.ts'
import { nextEvent } from '../support/within.ts'

const service = await startService({ demo: true, replayFlushMs: NEVER_MS })
const { psql } = service.database
/** Right-to-left override: without isolation, everything after it is shown from right to left. */
const TURN = '\u202e'

/** Signs Ada in with these bytes as her user agent. @returns her token, and what is recorded. */
async function signInAs(agent: string | Buffer) {
  const sent = request(`${service.base}/login`, {
    method: 'POST',
    headers: {
      'user-agent': Buffer.from(agent as string).toString('latin1'),
      'content-type': 'application/x-www-form-urlencoded',
    },
  })
  // A string would be sent in the same write as the headers, both encoded as UTF-8.
  sent.end(Buffer.from('email=ada%40example.com'))
  const [answer] = await nextEvent('the answer to a sign-in', sent, 'response')
  answer.resume()
  const cookie: string = answer.headers['set-cookie']?.[0]?.split(';')[0] ?? ''
  const [row] = await psql('select "userAgent" from session order by "createdAt" desc limit 1')
  return { token: cookie.slice(cookie.indexOf('=') + 1), recorded: row?.userAgent }
}

t.before(async () => {
  await service.addUser('demo-ada', { name: 'Ada Lovelace' })
})

t.test('a device that sends its name in UTF-8 is listed under that name', async (t) => {
  const agent = 'Café Notizen/4.2 (iPhone; iOS 18.6) 微信'
  const { token, recorded } = await signInAs(agent)
  t.equal(recorded, agent)
  t.match(await show(token, '/'), '<bdi>Café Notizen 4</bdi> on iPhone')
  const replayed = await service.addUser()
  const { token: old } = await service.signIn(replayed)
  await service.sessions.logout(old, 'local', { userAgent: null, ipAddress: null })
  const bytes = Buffer.from(agent).toString('latin1')
  for (const path of ['/check', '/api/session'])
    await (await service.as(old, path, { headers: { 'user-agent': bytes } })).arrayBuffer()
  await service.replays.flush()
  const [row] = await psql('select user_agent, count from replay where user_id = $1', [replayed])
  t.match(row, { user_agent: agent, count: 2 }, 'a replay by that device is recorded under the same name')
})

t.test('a user agent that is not UTF-8 is read as Latin-1', async (t) => {
  t.equal((await signInAs(Buffer.from('Caf\xe9/1.0', 'latin1'))).recorded, 'Café/1.0')
})

t.test('terminal control characters are not recorded', async (t) => {
  t.equal((await signInAs('Acme/1.0 \u009b31m')).recorded, 'Acme/1.0 \ufffd31m')
})

t.test('a user agent that cannot be stored does not prevent a sign-in by the application', async (t) => {
  const { headers } = await service.keyFor('sessions:create')
  const userId = await service.addUser()
  const call = json({ user: { id: userId }, userAgent: `a\0b${'c'.repeat(9_000)}` })
  const response = await service.http('/api/sessions', { ...call, headers: { ...call.headers, ...headers } })
  t.equal(response.status, 201)
  const [row] = await psql('select "userAgent" from session where "userId" = $1', [userId])
  t.equal(row?.userAgent, `a\ufffdb${'c'.repeat(509)}`)
})

t.test('on no page does a name change the direction of the text around it', async (t) => {
  const id = `eve${TURN}`
  const agent = `${TURN}Acme/1.0 (X11; Linux)`
  await psql('insert into "user" (id, name, email) values ($1, $2, $3)', [
    id,
    `Eve${TURN}`,
    `eve${TURN}@example.com`,
  ])
  const { token } = await service.signIn(id, agent)
  const { token: other, id: otherId } = await service.signIn(id, agent)
  const own = [await show(token, '/'), await show(token, '/logout?scope=global')]
  await service.sessions.endOne(token, otherId, { userAgent: agent, ipAddress: null })
  own.push(await show(other, '/signed-out'))

  const staff = await service.addUser()
  await psql(`insert into staff values ($1, 'security')`, [staff])
  const { token: officer } = await service.signIn(staff)
  const query = new URLSearchParams({ id })
  await service.accounts.revoke(
    id,
    { reason: 'Seen', lockSeconds: null },
    { actorKind: 'system', actorId: `cli:${TURN}eve`, userAgent: agent, ipAddress: null },
  )
  await psql('update user_lock set reason = $1', [`why${TURN}`])
  await service.signIn(staff, agent)
  const plan = await service.as(officer, '/admin/incidents', {
    method: 'POST',
    body: new URLSearchParams({ reason: 'Seen', userIds: `${id}\n${staff}\nnot${TURN}there` }),
  })
  const byAgent = await service.as(officer, '/admin/incidents', {
    method: 'POST',
    body: new URLSearchParams({ reason: 'Seen', userAgent: `${TURN}acme` }),
  })
  const [revoke] = await psql(`select id from operation where kind = 'user.revoke'`)
  const [planned] = await psql(
    `select id from operation where kind = 'incident.plan' and selection ? 'userAgent'`,
  )
  const paths = [
    `/admin/users?q=${encodeURIComponent(`eve${TURN}`)}`,
    `/admin/users?q=${encodeURIComponent(`nobody${TURN}`)}`,
    `/admin/user?${query}`,
    `/admin/user/revoke?${query}`,
    `/admin/user/unlock?${query}`,
    `/admin/user?id=nobody${encodeURIComponent(TURN)}`,
    '/admin',
    '/admin/audit',
    `/admin/audit?user=${encodeURIComponent(id)}`,
    `/admin/operation?id=${revoke?.id}`,
    `/admin/operation?id=${planned?.id}`,
    plan.headers.get('location') ?? '',
    byAgent.headers.get('location') ?? '',
    '/admin/incidents',
  ]
  const pages: [string, string][] = own.map((page, i) => [`own page ${i}`, page])
  for (const path of paths) pages.push([path, await show(officer, path)])
  t.ok(pages.filter(([, page]) => page.includes(TURN)).length >= 10, 'the pages do show the name')
  for (const [path, page] of pages) t.notOk(outside(page).includes(TURN), path)
})

t.test('in CSV, such characters are shown as escapes', async (t) => {
  t.equal(await csvLine([`a${TURN}b`, '\u001b[31m\u009b\0']), '"a\\u202eb","\\u001b[31m\\u009b\\u0000"\r\n')
  t.equal(await csvLine(['a\tb\r\nc']), '"a\tb\r\nc"\r\n', 'line breaks within a field stay within it')
})

t.test('on a terminal, such characters are escaped and line breaks start no new line', async (t) => {
  t.notMatch(table(['why'], [[`a${TURN}\u009b31m\u001b[2J`]]).replace('\n', ''), /[\p{Cc}\p{Cf}]/u)
  await psql('insert into "user" (id) values ($1)', [`mallory\nrole  security${TURN}`])
  const shown = runHere(['user', 'show', `mallory\nrole  security${TURN}`], {
    env: { DATABASE_URL: service.database.url },
  })
  t.equal(await shown.ended, 0)
  t.match(shown.stdout(), /^role {2}none$/m)
  t.notMatch(shown.stdout(), /^role {2}security/m)
})

/** The text of a page that is neither isolated nor in an attribute. */
function outside(page: string): string {
  return page.replace(/<bdi[ >].*?<\/bdi>/gs, '').replace(/ [a-z-]+="[^"]*"/g, '')
}

async function show(token: string, path: string): Promise<string> {
  return (await service.as(token, path, { headers: { accept: 'text/html' } })).text()
}
