/** The pages state what happened, to the right user, and reveal nothing else. */
import t from 'tap'
import { ERRORS, type ErrorCode } from '../../src/errors.ts'
import { sweep } from '../../src/sessions/sweeper.ts'
import { carryOut } from '../../src/staff/incidents/runner.ts'
import { accentStyle, contrast, parse } from '../../src/ui/accent.ts'
import { errorPage } from '../../src/ui/error-page.ts'
import { createSite } from '../../src/ui/site.ts'
import { ENGLISH } from '../../src/ui/view.ts'
import { begin } from '../support/incidents.ts'
import { LONDON, PLACES_FILE } from '../support/places.ts'
import { json, startService } from '../support/service.ts'

const service = await startService({ env: { GEOIP_DATABASE: PLACES_FILE } })
const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0'
const VIEW = { ...ENGLISH, site: createSite(service.config.site, service.config.publicOrigin, null) }
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
  t.notMatch(text, 'class="notice"')
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
    const { status } = ERRORS[code]
    const page = String(errorPage(VIEW, { status, code, requestId: 'request-1' }))
    t.notMatch(page, /signed out|logged out|still signed in/i, code)
    t.equal(page.includes('Try again') && page.includes('request-1'), status >= 500, code)
  }
  t.end()
})

t.test('a form that could not be sent can be sent again with the values that were typed in', (t) => {
  const { status } = ERRORS.unavailable
  const page = (sent: boolean) =>
    String(errorPage(VIEW, { status, code: 'unavailable', requestId: 'request-1', sent }))
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
    t.equal(ENGLISH.relativeTime(new Date(now.getTime() - seconds * 1000), now), expected)
  t.end()
})

const APP = {
  APP_NAME: 'Tea & Co',
  APP_URL: 'https://tea.example/',
  APP_LOGO_URL: 'https://files.tea.example/logo.svg',
  APP_ACCENT: '#ffd400',
  SIGN_IN_URL: 'https://tea.example/login?callbackUrl={return}',
  BASE_PATH: '/account',
  ALLOWED_REDIRECTS: 'https://tea.example',
}
const branded = await startService({ database: service.database, env: APP })

/** The links, forms and files of a page that are paths. */
const pathsIn = (page: string) =>
  [...page.matchAll(/ (?:href|src|action)="(\/[^"]*)"/g)].map(([, path = '']) => path)

t.test("pages carry the application's name, logo and colour, and lead to the sign-in and back", async (t) => {
  const { token } = await branded.signIn(await branded.addUser())
  for (const [path, as] of [
    ['/account', token],
    ['/account/devices', token],
    ['/account/logout', token],
    ['/account/signed-out', ''],
    ['/account/nowhere', ''],
  ] as const) {
    const response = await branded.as(as, path, { headers: { accept: 'text/html' } })
    t.match(response.headers.get('content-security-policy'), "img-src 'self' https://files.tea.example;")
    const page = await response.text()
    t.match(
      page,
      '<a class="brand" href="https://tea.example/"><img src="https://files.tea.example/logo.svg"',
      path,
    )
    t.match(page, ' · Tea &amp; Co</title>')
    if (!path.includes('logout')) t.match(page, '<span>Back to <bdi>Tea &amp; Co</bdi></span></a>', path)
    t.equal(/>Sign in<\/a>/.test(page), path.includes('signed-out'), path)
    const style = pathsIn(page).find((found) => found.includes('accent.css')) ?? ''
    t.match(await (await branded.http(style)).text(), '--accent-fill: #ffd400;')
  }
})

t.test('with no settings the pages say what to do all the same', async (t) => {
  const page = await show('/signed-out', null)
  t.match(page, 'To sign in again, go back to your application.')
  t.notMatch(page, /Back to/)
  const response = await service.http('/sign-in?return=/x')
  t.equal(response.headers.get('location'), '/signed-out?return=%2Fx')
})

t.test('the sign-in gets the address to come back to, and no address of another origin', async (t) => {
  const signIn = async (path: string, as = '') =>
    (await branded.as(as, path, { headers: { accept: 'text/html' } })).headers.get('location') ?? ''
  const back = async (given: string) =>
    new URL(await signIn(`/account/sign-in?return=${given}`)).searchParams.get('callbackUrl')
  for (const [given, expected] of [
    ['/orders?page=2&x=%26', `${branded.base}/orders?page=2&x=%26`],
    [encodeURIComponent('/orders?page=2&x=%26'), `${branded.base}/orders?page=2&x=%26`],
    ['https://tea.example/a?b=c&d', 'https://tea.example/a?b=c&d'],
    [encodeURIComponent('https://tea.example/a'), 'https://tea.example/a'],
    ...[
      'https://evil.example/',
      '//evil.example/',
      '/\\evil.example/',
      '%2F%2Fevil.example',
      'https://tea.example.evil.example/',
      'https://tea.example@evil.example/',
      'javascript:alert(1)',
      'https:evil.example',
      '%zz',
      '',
    ].map((evil) => [evil, 'https://tea.example/'] as const),
  ] as const)
    t.equal(await back(given), expected, given)

  t.equal(await signIn('/account/devices'), '/account/signed-out?return=%2Faccount%2Fdevices')
  t.match(
    await (await branded.http('/account/signed-out?return=%2Faccount%2Fdevices')).text(),
    `callbackUrl=${encodeURIComponent(`${branded.base}/account/devices`)}"`,
  )
  const { token } = await branded.signIn(await branded.addUser())
  await branded.sessions.logout(token, 'global', NOBODY)
  t.equal(await signIn('/account/sign-in?return=/orders', token), '/account/signed-out?return=%2Forders')
  t.match(await signIn('/account/sign-in?return=/orders'), /^https:\/\/tea\.example\/login/)
})

t.test('below BASE_PATH are the pages with all that they need, and nothing for machines', async (t) => {
  const { token, id } = await branded.signIn(await branded.addUser())
  await branded.signIn((await branded.sessions.find(token))?.user.id ?? '')
  for (const page of [
    '/account',
    '/account/',
    '/account/devices',
    '/account/logout',
    '/account/signed-out?followed',
  ]) {
    const response = await branded.as(token, page)
    const text = await response.text()
    for (const path of pathsIn(text).filter((path) => !path.endsWith('/end'))) {
      t.match(path, /^\/account(\/|$)/, page)
      const found = await branded.as(token, path)
      t.not(found.status, 404, `${path} on ${page}`)
      await found.arrayBuffer()
    }
    if (response.status === 200) t.match(text, ' data-base="/account"')
  }
  for (const path of ['/api/session', '/api/sessions', '/admin'])
    t.not((await branded.as(token, `/account${path}`)).status, 404, path)
  for (const path of [
    '/check',
    '/metrics',
    '/healthz',
    '/readyz',
    '/events',
    '/leases',
    '/introspect',
    '/openapi.json',
  ])
    t.equal((await branded.as(token, `/account${path}`)).status, 404, path)
  t.equal((await branded.as(token, '/accounting/devices')).status, 404)
  t.match(await (await branded.http('/openapi.json')).json(), {
    servers: [{ url: '/' }, { url: '/account' }],
  })
  const ended = await branded.as(token, `/account/sessions/${id}/end`, { method: 'POST' })
  t.equal(ended.headers.get('location'), '/account/signed-out')
})

t.test('text in every accent colour, and on it, can be read', async (t) => {
  const grounds = { light: ['#f4f6f9', '#ffffff'], dark: ['#0f1216', '#171b21'] }
  const levels = ['00', '33', '66', '99', 'cc', 'ff']
  for (const accent of levels.flatMap((r) => levels.flatMap((g) => levels.map((b) => `#${r}${g}${b}`)))) {
    const style = accentStyle(accent)
    const pair = (name: string) =>
      new RegExp(`--${name}: light-dark\\((.*), (.*)\\)`).exec(style)?.slice(1) ?? []
    const [, on = ''] = /--on-accent: (.*);/.exec(style) ?? []
    const pairs = [[accent, on]]
    for (const [at, mode] of (['light', 'dark'] as const).entries())
      for (const ground of [...grounds[mode], pair('accent-soft')[at]])
        pairs.push([pair('accent')[at] ?? '', ground ?? ''])
    for (const [a = '', b = ''] of pairs)
      if (contrast(parse(a), parse(b)) < 4.5) t.fail(`${accent}: ${a} on ${b}`)
  }
})

t.test(
  'with DEVICES_MAX_AUTH_AGE a user sees and ends other sessions after a recent sign-in only',
  async (t) => {
    const strict = await startService({
      database: service.database,
      env: { DEVICES_MAX_AUTH_AGE: '1h', SIGN_IN_URL: 'https://app.example/login?next={return}' },
    })
    const id = await strict.addUser()
    const { token, id: own } = await strict.signIn(id)
    const other = await strict.signIn(id, 'OthersPhone/1.0')
    const age = (interval: string) =>
      strict.database.psql(`update session set "createdAt" = now() - $1::interval where id in ($2, $3)`, [
        interval,
        own,
        other.id,
      ])
    const acts: [path: string, init?: RequestInit][] = [
      ['/devices'],
      [`/sessions/${other.id}/end`],
      [`/sessions/${other.id}/end`, { method: 'POST' }],
      ['/logout', { method: 'POST', body: new URLSearchParams({ scope: 'others' }) }],
      ['/logout', { method: 'POST', body: new URLSearchParams({ scope: 'global' }) }],
      ['/api/sessions'],
      [`/api/sessions/${other.id}`, { method: 'DELETE' }],
      ['/api/logout', json({ scope: 'others' })],
      ['/api/logout', json({ scope: 'global' })],
    ]
    await age('2 hours')
    for (const [path, init] of acts) {
      const response = await strict.as(token, path, init)
      t.equal(response.status, 401, `${init?.method ?? 'GET'} ${path}`)
      t.match(
        response.headers.get('www-authenticate'),
        'error="insufficient_user_authentication", max_age="3600"',
      )
      const text = await response.text()
      if (path.startsWith('/api')) t.match(text, '"code":"insufficient_user_authentication"')
      else t.match(text, 'https://app.example/login?next=http')
      t.notMatch(text, 'OthersPhone')
    }
    t.equal(await strict.check(other.token), 200, 'nothing was ended')
    const question = await (await strict.as(token, '/logout')).text()
    t.notMatch(question, 'OthersPhone')
    t.match(question, 'To sign out other devices, sign in again first.')

    await age('10 minutes')
    t.match(await (await strict.as(token, '/devices')).text(), 'OthersPhone')
    t.equal((await strict.as(token, '/api/sessions')).status, 200)
    await age('2 hours')
    const out = await strict.as(token, '/logout', {
      method: 'POST',
      body: new URLSearchParams({ scope: 'local' }),
    })
    t.equal(out.headers.get('location'), '/signed-out', 'signing out here needs no sign-in')
    t.equal((await strict.as(token, '/api/logout', json({}))).status, 200, 'nor does a repeated one')
  },
)

t.test('a session that expired so long ago that its row was swept is said to have expired', async (t) => {
  const { token, id } = await service.signIn(await service.addUser())
  // Without triggers, which take a change of these dates for a revocation.
  await service.database.psql(
    `begin; set local session_replication_role = replica;
     update session set "createdAt" = now() - interval '60 days', "lastSeenAt" = now() - interval '60 days' where id = '${id}'; commit`,
  )
  await sweep(service.pools.jobs)
  t.same(await service.database.psql('select from session where id = $1', [id]), [])
  const text = await show('/signed-out', token)
  t.match(text, 'Your session expired.')
  t.notMatch(text, 'You were signed out')
  t.match(await show('/signed-out', null), 'This browser has no session.')
})

t.test(
  'each row of the devices says what it is, where and exactly when, and none looks like another',
  async (t) => {
    const ada = await service.addUser()
    const { token, id } = await service.signIn(ada, FIREFOX)
    const twins = [await service.signIn(ada, FIREFOX, LONDON), await service.signIn(ada, FIREFOX, LONDON)]
    const third = await service.signIn(ada, FIREFOX, LONDON)
    const { psql } = service.database
    await psql(`update session set "createdAt" = '2026-11-01T10:00:07Z' where id = any ($1)`, [
      twins.map(({ id }) => id),
    ])
    await psql(
      `update session set "createdAt" = '2026-11-01T10:00:09Z', "deviceName" = $2, "signInMethod" = 'passkey' where id = $1`,
      [third.id, '<b>Desk</b>'],
    )
    const text = await show('/devices', token)
    t.match(text, /<bdi>Firefox 145<\/bdi> on Windows/)
    t.match(text, /<bdi>London, United Kingdom<\/bdi> · <bdi class="address">81\.2\.69\.160/)
    t.match(text, />1 November 2026 at 10:00:07 UTC</, 'exact, without hovering')
    for (const twin of twins) t.match(text, `session ${twin.id.slice(0, 8)}`)
    t.notMatch(text, `session ${third.id.slice(0, 8)}`, 'a row that differs shows no id')
    t.match(text, /&lt;b&gt;Desk&lt;\/b&gt;.*?<bdi>Firefox 145<\/bdi> on Windows.*?10:00 UTC.*? · passkey/s)
    t.match(await show('/logout', token), `session ${twins[0]?.id.slice(0, 8)}`, 'in every list')
    const details = await show(`/sessions/${third.id}`, token)
    t.match(details, /&lt;b&gt;Desk.*London, United Kingdom.*10:00:09 UTC.*Mozilla\/5\.0/s)
    t.notMatch(details, '<b>Desk')

    const named = await service.as(token, `/sessions/${id}/name`, {
      method: 'POST',
      body: new URLSearchParams({ name: 'My desk' }),
    })
    t.same([named.status, named.headers.get('location')], [303, `/sessions/${id}`])
    t.match(await show('/devices', token), '<bdi>My desk</bdi>')
    const other = await service.signIn(await service.addUser())
    for (const path of [`/sessions/${other.id}`, `/sessions/${crypto.randomUUID()}`])
      t.equal(
        (await service.as(token, path)).headers.get('location'),
        '/devices',
        "another user's is not shown",
      )

    await service.sessions.endOne(token, third.id, { userAgent: FIREFOX, ipAddress: null })
    t.match(
      await show('/devices', token),
      /Signed out in the last 28 days.*&lt;b&gt;Desk&lt;\/b&gt;<\/bdi> · <bdi>Firefox<\/bdi> on Windows · <bdi>London.*from <bdi>Firefox/s,
    )
  },
)

t.test('a device that signed in since the last visit of this browser is marked as new', async (t) => {
  const ada = await service.addUser()
  const { token } = await service.signIn(ada, FIREFOX)
  await service.signIn(ada, FIREFOX)
  const first = await service.as(token, '/devices')
  t.notMatch(await first.text(), 'New since')
  const [visit = ''] = first.headers.getSetCookie().filter((line) => line.startsWith('global-logout.visit='))
  t.match(visit, /HttpOnly; SameSite=Lax/)
  const [cookie = ''] = visit.split(';')
  const added = await service.signIn(ada, FIREFOX)
  await service.database.psql(`update session set "createdAt" = now() + interval '1 second' where id = $1`, [
    added.id,
  ])
  const text = await show('/devices', token, cookie)
  t.equal(text.split('New since your last visit').length, 2, 'one of them')
  t.match(text, new RegExp(`about-${added.id}"><strong class="new">New`))
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
