/** The console over HTTP: its access rules, its escaping, its confirmation steps and its empty pages. */
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { carryOut } from '../../../src/staff/incidents/runner.ts'
import type { StaffRole } from '../../../src/staff/role-names.ts'
import { startService } from '../../support/service.ts'
import { nextEvent } from '../../support/within.ts'

const service = await startService({ env: { STAFF_MAX_AUTH_AGE: '15m' }, except: ['incidents'] })
const { psql } = service.database
const EVIL = '"><script>alert(1)</script><img src=x onerror=alert(2)>'
const UNKNOWN = '00000000-0000-4000-8000-000000000000'

t.test('every user without a role gets the same page, whether the address exists or not', async (t) => {
  const someone = await service.signIn(await service.addUser())
  const existing = await service.addUser('somebody-real', { name: 'Somebody Real' })
  const pages: string[] = []
  for (const path of [
    '/admin',
    '/admin/users?q=somebody',
    `/admin/user?id=${existing}`,
    '/admin/user?id=nobody',
    '/admin/user',
    '/admin/user?id=%00',
    `/admin/user/revoke?id=${existing}`,
    '/admin/user/revoke?id=nobody',
    '/admin/incidents',
    '/admin/incidents/new',
    `/admin/incidents/${UNKNOWN}`,
    '/admin/incidents/not-an-id',
    `/admin/incidents/${UNKNOWN}/report.csv`,
    '/admin/audit',
    '/admin/audit.csv',
    `/admin/operation?id=${UNKNOWN}`,
    `/admin/operation.csv?id=${UNKNOWN}`,
    '/admin/there/is/nothing',
  ]) {
    const response = await service.as(someone.token, path)
    t.equal(response.status, 403, path)
    pages.push(withoutTime(await response.text()))
  }
  for (const path of [
    `/admin/user/revoke?id=${existing}`,
    '/admin/user/unlock?id=nobody',
    '/admin/incidents',
    `/admin/incidents/${UNKNOWN}/execute`,
    '/admin/nothing',
  ]) {
    const response = await post(someone.token, path, { reason: 'curious' })
    t.equal(response.status, 403, `POST ${path}`)
    pages.push(withoutTime(await response.text()))
  }
  t.equal(new Set(pages).size, 1)
  t.match(pages[0], 'This is for security staff')
  t.notMatch(pages[0], 'Somebody Real')
})

t.test('a visitor who is not signed in is redirected to the page that says so', async (t) => {
  for (const path of ['/admin', '/admin/users?q=a', '/admin/nothing']) {
    const response = await service.http(path)
    t.match(
      { status: response.status, to: response.headers.get('location') },
      { status: 303, to: '/signed-out' },
    )
  }
})

t.test('a service key opens the API, not the console', async (t) => {
  const { headers } = await service.keyFor('security')
  t.equal((await service.http('/admin', { headers })).status, 403)
})

t.test('an auditor can read every page and change nothing', async (t) => {
  const auditor = await addStaff('auditor')
  const victim = await service.addUser(crypto.randomUUID(), { name: 'Victim' })
  const { token } = await service.signIn(victim)
  for (const path of [
    '/admin',
    '/admin/users?q=vic',
    `/admin/user?id=${victim}`,
    '/admin/incidents',
    '/admin/audit',
    '/admin/audit.csv',
  ])
    t.equal((await service.as(auditor.token, path)).status, 200, path)
  const page = await (await service.as(auditor.token, `/admin/user?id=${victim}`)).text()
  t.match(page, 'read-only access')
  t.notMatch(page, '/admin/user/revoke')
  for (const path of [`/admin/user/revoke?id=${victim}`, '/admin/incidents/new'])
    t.equal((await service.as(auditor.token, path)).status, 403, path)
  for (const path of [
    `/admin/user/revoke?id=${victim}`,
    `/admin/user/unlock?id=${victim}`,
    '/admin/incidents',
    '/admin/incidents/preview',
    `/admin/incidents/${UNKNOWN}/execute`,
  ]) {
    const response = await post(auditor.token, path, { reason: 'no', confirm: 'yes', everyone: 'yes' })
    t.equal(response.status, 403, `POST ${path}`)
    await response.arrayBuffer()
  }
  t.equal(await service.check(token), 200)
})

t.test('a page says until when its reader may act, and leads to the sign-out', async (t) => {
  const staff = await addStaff('security')
  const read = async (token: string) => (await service.as(token, '/admin/incidents')).text()
  const page = await read(staff.token)
  t.match(page, '<a class="button" href="/logout">Sign out</a>')
  const [, until = '', shown] = /May act until <time datetime="(.*?)">(.*?)<\/time>/.exec(page) ?? []
  const minutes = (Date.parse(until) - Date.now()) / 60_000
  t.ok(minutes > 13 && minutes <= 15, `${minutes} minutes`)
  t.equal(shown, `${until.slice(11, 16)} UTC`)
  await psql(`update session set "createdAt" = now() - interval '16 minutes' where id = $1`, [
    staff.sessionId,
  ])
  t.match(await read(staff.token), 'Read-only until you sign in again.')
  const auditor = await addStaff('auditor')
  t.notMatch(await read(auditor.token), /May act|until you sign in/)
})

t.test('another site cannot make staff end sessions', async (t) => {
  const staff = await addStaff('security')
  const victim = await service.addUser()
  const { token } = await service.signIn(victim)
  for (const path of [`/admin/user/revoke?id=${victim}`, '/admin/incidents', '/admin/incidents/preview']) {
    const body = new URLSearchParams({ reason: 'forged', userIds: victim })
    const headers = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }
    const response = await service.as(staff.token, path, { method: 'POST', body, headers })
    t.equal(response.status, 403, path)
    await response.arrayBuffer()
  }
  t.equal(await service.check(token), 200)
  t.strictSame(await psql('select 1 from incident where reason = $1', ['forged']), [])
})

t.test('a form from another site is refused unread, so no page offers to send it again', async (t) => {
  const staff = await addStaff('security')
  const victim = await service.addUser()
  const sending = request(`${service.base}/admin/user/revoke?id=${victim}`, {
    method: 'POST',
    headers: {
      cookie: `${service.cookieName}=${staff.token}`,
      'sec-fetch-site': 'cross-site',
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': '1000',
    },
  })
  // The rest never arrives: if it were awaited, the request would time out and become a 503.
  sending.write('reason=forged&lockFor=forever&')
  const [response] = (await nextEvent('the refusal', sending, 'response')) as [IncomingMessage]
  t.equal(response.statusCode, 403)
  t.notMatch(await text(response), 'forged')
  sending.destroy()
})

t.test('a write needs a recent sign-in; the form is kept, and can be sent after it', async (t) => {
  const staff = await addStaff('security')
  const victim = await service.addUser()
  const { token } = await service.signIn(victim)
  await psql(`update session set "createdAt" = now() - interval '16 minutes' where id = $1`, [
    staff.sessionId,
  ])
  t.match(
    await show(staff.token, `/admin/user/revoke?id=${victim}`),
    'Your sign-in is too old for this action',
  )

  const response = await post(staff.token, `/admin/user/revoke?id=${victim}`, {
    reason: `why ${EVIL}`,
    lockFor: '1h',
  })
  t.equal(response.status, 403)
  const page = await response.text()
  t.match(page, 'Sign in again first')
  t.equal(await service.check(token), 200, 'no session was ended')
  t.notMatch(page, 'data-session', 'the page does not reload after the new sign-in')
  t.notMatch(page, EVIL)
  const kept = Object.fromEntries(
    [...page.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)">/g)].map(([, name, value]) => [
      name,
      unescaped(value ?? ''),
    ]),
  )
  t.strictSame(kept, { reason: `why ${EVIL}`, lockFor: '1h' })

  const again = await service.signIn(staff.id)
  const done = await post(again.token, `/admin/user/revoke?id=${victim}`, kept as Record<string, string>)
  t.equal(done.status, 303)
  t.equal(await service.check(token), 401)
})

t.test('names, devices and reasons are escaped as text', async (t) => {
  const staff = await addStaff('security')
  const id = `evil/../${crypto.randomUUID()}?a=b&c=${EVIL}`
  await service.addUser(id, { name: EVIL, email: `${crypto.randomUUID()}${EVIL}` })
  await service.signIn(id, `${EVIL} agent`)
  const { token } = await service.signIn(id, `Fresh/1 ${EVIL}`)
  const asked = new URLSearchParams({ id })
  const pages = [
    `/admin/users?${new URLSearchParams({ q: EVIL })}`,
    `/admin/user?${asked}`,
    `/admin/user/revoke?${asked}`,
    `/admin/user/revoke?${asked}&lockFor=${encodeURIComponent(EVIL)}`,
  ]
  for (const path of pages) t.notMatch(await show(staff.token, path), '<script>alert', path)

  const wrong = await post(staff.token, `/admin/user/revoke?${asked}`, { reason: '', lockFor: EVIL })
  t.equal(wrong.status, 400)
  t.notMatch(await wrong.text(), '<script>alert')
  const done = await post(staff.token, `/admin/user/revoke?${asked}`, { reason: EVIL, lockFor: 'forever' })
  t.equal(done.status, 303)
  t.equal(await service.check(token), 401, 'a user id with slashes and ampersands is found')
  const after = done.headers.get('location') ?? ''
  const page = await show(staff.token, after)
  t.match(page, '2 sessions were ended')
  t.match(page, 'Sign-in is locked until staff unlock it')
  t.match(page, '&lt;script&gt;alert(1)')

  const plan = await post(staff.token, '/admin/incidents', { reason: EVIL, userIds: id, userAgent: EVIL })
  t.equal(plan.status, 303)
  for (const path of [
    after,
    plan.headers.get('location') ?? '',
    `/admin/incidents/new?from=${plan.headers.get('location')?.split('/').at(-1)}`,
    '/admin',
    '/admin/incidents',
    '/admin/audit',
    `/admin/audit?${new URLSearchParams({ user: EVIL, actor: EVIL, kind: EVIL, since: EVIL })}`,
    `/admin/operation?id=${new URL(after, service.base).searchParams.get('done')}`,
  ])
    t.notMatch(await show(staff.token, path), '<script>alert', path)
})

t.test('empty pages say that nothing has happened yet', async (t) => {
  const empty = await startService()
  const id = await empty.addUser('first', { name: 'First' })
  // Without triggers, because granting a role is recorded, too.
  await empty.database.psql(
    `set session_replication_role = replica; insert into staff values ('first', 'security')`,
  )
  const { token } = await empty.signIn(id)
  const show = async (path: string) => {
    const response = await empty.as(token, path)
    t.equal(response.status, 200, path)
    return response.text()
  }
  t.match(await show('/admin'), 'No activity yet.')
  t.match(await show('/admin/users'), 'Any part of a name')
  t.match(await show('/admin/users?q=zzz'), 'begins with “<bdi>zzz</bdi>”')
  t.match(await show('/admin/user?id=first'), 'No session of this user was ended early')
  t.match(await show('/admin/incidents'), 'No incidents yet.')
  t.match(await show('/admin/audit'), 'No entry matches.')
})

t.test('an invalid form is shown again with its values, and each error stands at its field', async (t) => {
  const staff = await addStaff('security')
  const send = async (fields: Record<string, string>) => {
    const response = await post(staff.token, '/admin/incidents', fields)
    t.equal(response.status, 400, JSON.stringify(fields))
    return response.text()
  }
  const wrong = await send({
    reason: 'Leak',
    ipRange: '203.0.113.0/33',
    createdAfter: 'yesterday',
    userAgent: 'Firefox',
  })
  t.match(wrong, /<a href="#ipRange">Address or range<\/a>: must be an IPv4/)
  t.match(wrong, /<section class="alarm" role="alert"[^>]* autofocus>/)
  t.match(
    wrong,
    /id="ipRange" name="ipRange" aria-describedby="ipRange-hint ipRange-fault" aria-invalid="true" type="text" value="203.0.113.0\/33"/,
  )
  t.match(wrong, /id="createdAfter-fault">Must be a date and a time/)
  t.match(wrong, 'value="Firefox"')
  t.match(await send({ reason: 'Leak', emailDomain: '@example.com' }), 'Must be a domain such as example.com')
  t.match(await send({ reason: 'Leak' }), 'Fill in at least one field')
  t.match(await send({ everyone: 'yes' }), 'Must say why')
  t.match(await send({ reason: 'Leak', everyone: 'yes', ipRange: 'all of it' }), 'Must be an IPv4')
  t.match(await send({ reason: 'Leak', createdBefore: '2026-02-31T25:00' }), 'Must be a date and a time')
  t.strictSame(await psql('select 1 from incident where reason = $1', ['Leak']), [])
})

t.test('an incident is planned, confirmed with its checkbox, executed and reported', async (t) => {
  const staff = await addStaff('security')
  const victim = await service.addUser(crypto.randomUUID(), { email: 'victim@Jar.example' })
  const other = await service.addUser()
  const inside = await service.signIn(victim, 'Cookie jar', '198.51.100.7')
  const outside = await service.signIn(other, 'Cookie jar', '203.0.113.7')
  const preview = await post(staff.token, '/admin/incidents/preview', {
    ipRange: '198.51.100.0/24',
    userAgent: 'cookie JAR',
  })
  t.strictSame(await preview.json(), { sessions: 1, users: 1, staffSessions: 0, estimated: false })
  const refused = await post(staff.token, '/admin/incidents/preview', { ipRange: 'x' })
  t.match({ status: refused.status, body: await refused.json() }, { status: 400, body: { field: 'ipRange' } })

  const planned = await post(staff.token, '/admin/incidents', {
    reason: 'Stolen jar',
    ipRange: '198.51.100.0/24',
    userAgent: 'cookie JAR',
    emailDomain: 'jar.example',
    createdAfter: '2020-01-01T00:00',
  })
  const path = planned.headers.get('location') ?? ''
  const shown = await show(staff.token, path)
  t.match(shown, 'This would end 1 session of 1 user')
  t.match(shown, /<dt>Email domain<\/dt><dd>is “<bdi>jar\.example<\/bdi>”/)
  const again = await show(staff.token, `/admin/incidents/new?from=${path.split('/').at(-1)}`)
  t.match(again, /name="emailDomain"[^>]* value="jar\.example"/)
  t.equal(await service.check(inside.token), 200, 'a plan ends nothing')

  const unticked = await post(staff.token, `${path}/execute`, {})
  t.equal(unticked.status, 400)
  t.match(await unticked.text(), 'Tick the box')
  t.equal((await service.as(staff.token, `${path}/execute`)).status, 303, 'a link ends nothing')
  t.match(await show(staff.token, path), 'This would end')

  t.equal((await post(staff.token, `${path}/execute`, { confirm: 'yes' })).headers.get('location'), path)
  const running = await show(staff.token, path)
  t.match(running, /<noscript><meta http-equiv="refresh" content="\d"><\/noscript>/)
  t.match(running, '<progress max="1" value="0"')
  t.match(await show(staff.token, '/admin'), 'Incidents in progress')

  await carryOut(service.database, service.barrier, path.split('/').at(-1) ?? '')
  t.strictSame([await service.check(inside.token), await service.check(outside.token)], [401, 200])
  t.match(await show(staff.token, path), '1 session of 1 user ended')
  const csv = await service.as(staff.token, `${path}/report.csv`)
  t.match(csv.headers.get('content-type'), 'text/csv')
  t.match(await csv.text(), inside.id)
})

t.test('an expired plan ends nothing', async (t) => {
  const staff = await addStaff('security')
  const victim = await service.addUser()
  const { token } = await service.signIn(victim)
  const path =
    (await post(staff.token, '/admin/incidents', { reason: 'Late', userIds: `${victim}\r\n` })).headers.get(
      'location',
    ) ?? ''
  await psql(`update incident set expires_at = now() where reason = 'Late'`)
  const response = await post(staff.token, `${path}/execute`, { confirm: 'yes' })
  t.equal(response.status, 409)
  t.match(await response.text(), 'This plan has expired')
  t.equal(await service.check(token), 200)
})

t.test('if a list contains email addresses, the plan says how many ids are unknown', async (t) => {
  const staff = await addStaff('security')
  const victim = await service.addUser()
  await service.signIn(victim)
  const path = await planned(staff.token, {
    reason: 'Pasted',
    userIds: `ada@example.com\n${victim}\n${EVIL}\n`,
  })
  const page = await show(staff.token, path)
  t.match(page, 'This would end 1 session of 1 user')
  t.match(page, '2 ids in the list belong to no user')
  t.match(page, '<bdi>ada@example.com</bdi>')
  t.notMatch(page, '<script>alert')
  const whole = await planned(staff.token, { reason: 'Right', userIds: victim })
  t.notMatch(await show(staff.token, whole), 'no user’s')
})

t.test("the page of a user links to a form that ends only some of the user's sessions", async (t) => {
  const staff = await addStaff('security')
  const id = `some&of=${crypto.randomUUID()}`
  await service.addUser(id)
  for (const device of ['Phone/1.0', 'Laptop/1.0']) await service.signIn(id, device)
  const page = await show(staff.token, `/admin/user?${new URLSearchParams({ id })}`)
  const way = /href="([^"]*)">End only some…/.exec(page)?.[1] ?? ''
  t.match(
    await show(staff.token, unescaped(way)),
    `spellcheck="false">\n${id.replace('&', '&amp;')}</textarea>`,
  )
})

t.test('the confirmation distinguishes namesakes; the page after it lists what ended', async (t) => {
  const staff = await addStaff('security')
  const id = await service.addUser(crypto.randomUUID(), { name: 'John Smith', email: 'john.2@example.com' })
  await service.signIn(id, 'Phone/1.0', '198.51.100.99')
  const form = `/admin/user/revoke?id=${id}`
  t.match(
    await show(staff.token, form),
    `<bdi>john.2@example.com</bdi> · <span class="id"><bdi>${id}</bdi></span>`,
  )
  const done = await post(staff.token, form, { reason: 'Lost' })
  const page = await show(staff.token, done.headers.get('location') ?? '')
  t.match(page, /<h2 id="outcome">1 session was ended<\/h2>.*?Phone.*?198\.51\.100\.99.*?<\/section>/s)
})

t.test('staff tick sessions of a user, confirm with a reason, and only those end', async (t) => {
  const staff = await addStaff('security')
  const id = await service.addUser(crypto.randomUUID(), { name: 'Tick' })
  const sessions = await Promise.all(
    ['Phone/1', 'Tablet/1', 'Desk/1'].map((agent) => service.signIn(id, agent)),
  )
  const [phone, tablet, desk] = sessions.map((each) => each.id)
  const page = await show(staff.token, `/admin/user?id=${id}`)
  for (const each of [phone, tablet, desk])
    t.match(page, `<input type="checkbox" name="session" value="${each}">`)
  const asked = `/admin/user/end?id=${id}&session=${phone}&session=${tablet}`
  const form = await show(staff.token, asked)
  for (const part of ['End 2 sessions of <bdi>Tick</bdi>', 'Phone/1', 'Tablet/1']) t.match(form, part)
  t.notMatch(form, 'Desk/1')
  t.match(await show(staff.token, `/admin/user/end?id=${id}`), 'No session to end')
  const send = (reason: string) => {
    const body = new URLSearchParams({ reason })
    for (const each of [phone, tablet]) body.append('session', each ?? '')
    return service.as(staff.token, `/admin/user/end?id=${id}`, { method: 'POST', body })
  }
  const wrong = await send('')
  t.equal(wrong.status, 400)
  t.match(await wrong.text(), 'Must say why')
  const done = await send('Lost on a train')
  t.equal(done.status, 303)
  t.same(await Promise.all(sessions.map(({ token }) => service.check(token))), [401, 401, 200])
  t.match(await show(staff.token, done.headers.get('location') ?? ''), '2 sessions were ended')
  const again = await send('Lost on a train')
  t.equal(again.status, 303, 'what has ended may be asked for again')
  const other = await service.signIn(await service.addUser())
  const foreign = await post(staff.token, `/admin/user/end?id=${id}`, { reason: 'x', session: other.id })
  t.equal(foreign.status, 404)
  t.match(await foreign.text(), 'None of these sessions is left')
  t.equal(await service.check(other.token), 200, 'a session of another user stays')
})

t.test('who is locked, who is staff, who is signed in, and notes have their pages', async (t) => {
  const staff = await addStaff('security')
  const id = await service.addUser(crypto.randomUUID(), { name: `Locked ${EVIL}` })
  const { id: sessionId } = await service.signIn(id, `Odd/1 ${EVIL}`, '198.18.9.9')
  const signedIn = await show(staff.token, '/admin/users?q=198.18.9.0/24').catch(() => '')
  t.equal(signedIn, '', 'it redirects')
  const list = await show(staff.token, '/admin/sessions?ip=198.18.9.0%2F24')
  t.match(list, `name="sessionIds" value="${sessionId}"`)
  t.match(await show(staff.token, `/admin/incidents/new?sessionIds=${sessionId}`), sessionId)
  const wrong = await service.as(staff.token, '/admin/sessions?ip=x')
  t.equal(wrong.status, 400)
  t.match(await wrong.text(), 'Must be an IPv4')
  t.match(await show(staff.token, `/admin/users?q=${sessionId}`), 'An active session')
  const noted = await post(staff.token, `/admin/user/note?id=${id}`, { text: `Note ${EVIL}` })
  t.equal(noted.status, 303)
  await post(staff.token, `/admin/user/revoke?id=${id}`, { reason: `Lock ${EVIL}`, lockFor: 'forever' })
  const locks = await show(staff.token, '/admin/locks')
  t.match(locks, 'Locked &quot;&gt;')
  const user = await show(staff.token, `/admin/user?id=${id}`)
  t.match(user, 'Note &quot;&gt;')
  for (const page of [list, locks, user, await show(staff.token, '/admin/staff')])
    t.notMatch(page, '<script>alert')
})

t.test('a plan for a thousand sessions is confirmed by typing their number', async (t) => {
  const staff = await addStaff('security')
  await psql(`insert into "user" (id) values ('crowd')`)
  await psql(
    `insert into session ("sessionToken", "userId", expires, "userAgent")
      select 'crowd' || n, 'crowd', now() + interval '1 day', 'Crowd/1' from generate_series(1, 1000) n`,
  )
  const path = await planned(staff.token, { reason: 'Many', userAgent: 'Crowd/1', lockFor: '1h' })
  const page = await show(staff.token, path)
  t.match(page, 'Type 1000 to confirm')
  t.match(page, /<dt>Lock<\/dt><dd>Sign-in of the users of these sessions, for 1 hour/)
  t.match(page, /Where they come from.*Crowd\/1.*1,000/s)
  const refused = await post(staff.token, `${path}/execute`, { confirm: 'yes', typed: '999' })
  t.equal(refused.status, 400)
  t.match(await refused.text(), 'Type the number of sessions: 1000.')
  const done = await post(staff.token, `${path}/execute`, { confirm: 'yes', typed: '1,000' })
  t.equal(done.status, 303)
  await psql(`delete from session where "userId" = 'crowd'`)
})

t.test('a deleted user can still be found in the audit', async (t) => {
  const staff = await addStaff('auditor')
  t.match(await show(staff.token, '/admin/user?id=gone%26away'), 'href="/admin/audit?user=gone%26away"')
})

t.test('a hundred replays of one token are one line with the count', async (t) => {
  const staff = await addStaff('auditor')
  const id = await service.addUser()
  await psql(
    `insert into replay (session_id, user_id, count, ip_address, user_agent, same_address, same_program)
      select gen_random_uuid(), $1, 5, '185.220.101.4', 'thief/1', false, false from generate_series(1, 20)`,
    [id],
  )
  const page = await show(staff.token, `/admin/user?id=${id}`)
  t.equal(page.split('185.220.101.4').length - 1, 1)
  t.match(page, /100 times, last .*: another address and program/)
  t.match(await show(staff.token, '/admin'), /100 times, last .*, from another address or program/)
})

t.test('the form accepts a list of 200,000 users', async (t) => {
  const staff = await addStaff('security')
  const ids = Array.from({ length: 200_000 }, () => crypto.randomUUID())
  const response = await post(staff.token, '/admin/incidents', {
    reason: 'Everybody on the list',
    userIds: ids.join('\r\n'),
  })
  t.equal(response.status, 303)
  const page = await show(staff.token, response.headers.get('location') ?? '')
  t.match(page, '200,000 ids in the list belong to no user')
  t.ok(page.length < 100_000, 'the page does not repeat the list')
})

t.test('an audit entry from outside the service is shown as such, without gaps in the pages', async (t) => {
  const staff = await addStaff('security')
  const victim = await service.addUser()
  await service.signIn(victim)
  await psql('delete from session where "userId" = $1', [victim])
  const page = await show(staff.token, `/admin/audit?user=${victim}`)
  t.match(page, 'Sessions ended outside the service')
  t.match(page, 'no actor was recorded')

  const actor = `batch-${crypto.randomUUID()}`
  await psql(
    `insert into operation (id, kind, actor_kind, actor_id, revoked_count, reason)
      select gen_random_uuid(), 'user.revoke', 'system', $1, 1, 'number ' || n from generate_series(1, 150) n`,
    [actor],
  )
  const first = await show(staff.token, `/admin/audit?actor=${actor}`)
  const next = /<a class="button" rel="next" href="([^"]*)">/.exec(first)?.[1]?.replaceAll('&amp;', '&') ?? ''
  const second = await show(staff.token, next)
  const reasons = [...`${first}${second}`.matchAll(/number \d+/g)].map(([reason]) => reason)
  t.equal(reasons.length, 150)
  t.equal(new Set(reasons).size, 150)
  t.match(second, 'Older entries')
  t.equal((await service.as(staff.token, '/admin/audit?cursor=nonsense')).status, 400)
  t.equal(
    (await (await service.as(staff.token, `/admin/audit.csv?actor=${actor}`)).text()).trim().split('\r\n')
      .length,
    151,
  )
})

t.test('the page of an operation shows its record, even after the retention period', async (t) => {
  const staff = await addStaff('security')
  const victim = await service.addUser()
  for (let n = 0; n < 3; n++) await service.signIn(victim, `Phone/${n}`)
  const path = await planned(staff.token, { reason: 'All three', userIds: victim })
  await post(staff.token, `${path}/execute`, { confirm: 'yes' })
  await carryOut(service.database, service.barrier, path.split('/').at(-1) ?? '')
  const [finish] = await psql<{ id: string; executed: string }>(
    `select id, result ->> 'operationId' as executed from operation where kind = 'incident.finish' and reason = 'All three'`,
  )
  const executed = `/admin/operation?id=${finish?.executed}`
  const end = await show(staff.token, `/admin/operation?id=${finish?.id}`)
  t.match(end, '3 sessions ended')
  t.match(end, `They are listed on <a href="${executed}">`)
  const execution = await show(staff.token, executed)
  t.match(execution, 'Ended sessions')
  t.match(execution, `<a href="${path}">the incident report</a>`)
  t.equal(execution.split('· session <span').length - 1, 3)

  const other = await service.addUser()
  await service.signIn(other)
  const eve = { actorKind: 'system' as const, actorId: 'cli:eve' }
  const { operationId } = await service.accounts.revoke(other, { reason: 'long ago' }, eve)
  await psql('delete from revoked_session where operation_id = $1', [operationId])
  const old = await show(staff.token, `/admin/operation?id=${operationId}`)
  t.match(old, '1 session ended')
  t.match(old, 'The retention period of these sessions is over.')
  t.notMatch(old, 'No session ended')
  t.match(old, '<bdi>eve</bdi> on the command line', 'and the actor')
  t.match(await show(staff.token, `/admin/audit?user=${other}`), 'by <bdi>eve</bdi> on the command line')
})

t.test('the page of an operation with many sessions lists a hundred, and links to the others', async (t) => {
  const staff = await addStaff('auditor')
  const victim = await service.addUser()
  await psql(
    `insert into session ("sessionToken", "userId", expires) select $1 || n, $1, now() + interval '1 day' from generate_series(1, 250) n`,
    [victim],
  )
  const eve = { actorKind: 'system' as const, actorId: 'cli:eve' }
  const { operationId } = await service.accounts.revoke(victim, { reason: 'many' }, eve)
  const pages = [await show(staff.token, `/admin/operation?id=${operationId}`)]
  for (let page = pages[0]; page && pages.length < 10; page = pages.at(-1)) {
    const next = /<a class="button" rel="next" href="([^"]*)">/.exec(page)?.[1]?.replaceAll('&amp;', '&')
    if (!next) break
    pages.push(await show(staff.token, next))
  }
  const listed = pages.map((page) =>
    [...page.matchAll(/· session <span class="id">([^<]*)/g)].map(([, id]) => id),
  )
  t.same(
    listed.map(({ length }) => length),
    [100, 100, 50],
  )
  t.equal(new Set(listed.flat()).size, 250)
  for (const page of pages) t.match(page, '250 sessions ended')
  t.match(pages[0], 'The first 100')
  t.match(pages[2], `<a class="button" href="/admin/operation?id=${operationId}">First</a>`)
  const csv = await (await service.as(staff.token, `/admin/operation.csv?id=${operationId}`)).text()
  t.equal(csv.trim().split('\r\n').length, 251)
  t.equal((await service.as(staff.token, `/admin/operation?id=${operationId}&cursor=x`)).status, 400)
  t.match(
    await show(staff.token, `/admin/user?id=${victim}`),
    '<p class="number"><strong>250</strong> ended</p>',
    'the page of the user shows the total, though it lists 200',
  )
})

t.test('the link to the console is shown to staff only', async (t) => {
  const staff = await addStaff('auditor')
  const someone = await service.signIn(await service.addUser())
  t.match(await show(staff.token, '/'), 'href="/admin"')
  t.notMatch(await show(someone.token, '/'), 'href="/admin"')
})

async function addStaff(role: StaffRole) {
  const id = await service.addUser(crypto.randomUUID(), { name: `Staff ${role}` })
  await psql('insert into staff values ($1, $2)', [id, role])
  const { token, id: sessionId } = await service.signIn(id)
  return { id, token, sessionId }
}

function post(token: string, path: string, fields: Record<string, string>): Promise<Response> {
  return service.as(token, path, { method: 'POST', body: new URLSearchParams(fields) })
}

/** Plans through the form. @returns the path of the plan. */
async function planned(token: string, fields: Record<string, string>): Promise<string> {
  return (await post(token, '/admin/incidents', fields)).headers.get('location') ?? ''
}

async function show(token: string, path: string): Promise<string> {
  return (await service.as(token, path, { headers: { accept: 'text/html' } })).text()
}

function withoutTime(page: string): string {
  return page.replace(/data-now="[^"]*"/, '')
}

function unescaped(text: string): string {
  const marks: Record<string, string> = {
    '&lt;': '<',
    '&gt;': '>',
    '&quot;': '"',
    '&#39;': "'",
    '&amp;': '&',
  }
  return text.replace(/&(lt|gt|quot|#39|amp);/g, (mark) => marks[mark] ?? mark)
}
