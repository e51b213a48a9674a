/**
 * Superfluous input never prevents a logout, and a request that may ask for a wider logout is refused, not
 * narrowed.
 */
import t from 'tap'
import { raw, statuses } from '../support/raw.ts'
import { json, startService } from '../support/service.ts'

const service = await startService({ env: { ALLOWED_REDIRECTS: 'https://app.example.com' } })
const { as, base, check } = service

const typed = (type: string, body?: BodyInit): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': type },
  ...(body !== undefined && { body }),
})
const form = (text: string) => typed('application/x-www-form-urlencoded', text)
const LONG = `/${'x'.repeat(3_000)}`

interface Answer {
  scope: string
  redirect: string
  ignored: { field: string; reason: string }[]
  revoked: { id: string }[]
}

t.test('a logout with superfluous input ends the session, and lists the input that it ignored', async (t) => {
  const cases: [what: string, init: RequestInit, ignored: string[]][] = [
    ['no body, said to be JSON', typed('application/json'), []],
    ['an empty body, said to be JSON', typed('application/json', ''), []],
    ['blanks, said to be JSON', typed('application/json; charset=utf-8', ' \r\n'), []],
    ['an empty body of another type', typed('text/plain', ''), []],
    ['an empty form', form(''), []],
    ['an invalid content type', typed('nonsense', ''), []],
    ['null', typed('application/json', 'null'), []],
    ['another charset', typed('application/json; charset=utf-16', '{}'), []],
    ['a callbackUrl of null', json({ callbackUrl: null }), ['callbackUrl']],
    ['a number', json({ callbackUrl: 17 }), ['callbackUrl']],
    ['several', json({ callbackUrl: ['/a', '/b'] }), ['callbackUrl']],
    ['a callbackUrl that is too long', json({ callbackUrl: LONG }), ['callbackUrl']],
    [
      'a callbackUrl of the longest encoding',
      json({ callbackUrl: `/${'%41'.repeat(16_000)}` }),
      ['callbackUrl'],
    ],
    ['an invalid callbackUrl', json({ callbackUrl: 'http://[' }), ['callbackUrl']],
    ['a callbackUrl on another origin', json({ callbackUrl: 'https://evil.example' }), ['callbackUrl']],
    ['an empty callbackUrl', json({ callbackUrl: '' }), []],
    ['another field', json({ csrfToken: 'abc' }), ['csrfToken']],
    ['several superfluous fields', json({ callbackUrl: 1, a: 1, b: { c: [] } }), ['callbackUrl', 'a', 'b']],
  ]
  for (const [what, init, ignored] of cases) {
    const { token, id } = await service.signIn(await service.addUser())
    const response = await as(token, '/api/logout', init)
    t.equal(response.status, 200, what)
    const answer = (await response.json()) as Answer
    t.match(answer, { scope: 'local', redirect: '/signed-out', revoked: [{ id }] }, what)
    t.same(
      answer.ignored.map(({ field }) => field),
      ignored,
      what,
    )
    t.equal(await check(token), 401, what)
  }
})

t.test('superfluous input does not narrow the scope', async (t) => {
  for (const init of [
    json({ scope: 'global', callbackUrl: 17 }),
    json({ scope: 'global', callbackUrl: LONG, extra: true }),
    json({ scope: ['global', 'global'] }),
  ]) {
    const user = await service.addUser()
    const [phone, laptop] = [await service.signIn(user), await service.signIn(user)]
    t.match(await (await as(phone.token, '/api/logout', init)).json(), { scope: 'global' })
    t.same([await check(phone.token), await check(laptop.token)], [401, 401])
  }
})

t.test('a form with superfluous input ends the session, and redirects like every logout', async (t) => {
  for (const [text, location] of [
    ['', '/signed-out'],
    ['scope=local&scope=local', '/signed-out'],
    ['scope=local&callbackUrl=/a&callbackUrl=/b', '/signed-out'],
    [`scope=local&callbackUrl=${LONG}`, '/signed-out'],
    [`scope=local&callbackUrl=/${'%41'.repeat(16_000)}`, '/signed-out'],
    ['scope=local&csrfToken=abc&csrfToken=def', '/signed-out'],
    ['scope=local&callbackUrl=http%3A%2F%2F%5B', '/signed-out'],
  ] as const) {
    const { token } = await service.signIn(await service.addUser())
    const response = await as(token, '/logout', form(text))
    t.equal(response.status, 303, text.slice(0, 60))
    t.equal(response.headers.get('location'), location)
    t.equal(await check(token), 401)
  }
  const followed = await service.signIn(await service.addUser())
  const onward = await as(followed.token, '/logout', form('scope=local&csrfToken=abc&callbackUrl=/bye'))
  t.equal(onward.status, 200)
  t.match(await onward.text(), `<a class="button primary" href="${service.base}/bye">`)
  t.equal(await check(followed.token), 401)
  const { token } = await service.signIn(await service.addUser())
  t.equal((await as(token, '/logout', typed('nonsense', ''))).status, 303)
  t.equal(await check(token), 401)
})

t.test('the body of a request that ends one session is ignored', async (t) => {
  for (const init of [
    typed('application/json', ''),
    typed('application/json', '{"broken'),
    typed('text/plain', 'x'),
    typed('nonsense', 'x'),
    typed('multipart/form-data; boundary=x', 'x'),
    json({ scope: 'global', callbackUrl: 17 }),
    json('x'.repeat(200_000)),
  ])
    for (const [method, path, status] of [
      ['DELETE', '/api/sessions/', 200],
      ['POST', '/sessions/', 303],
    ] as const) {
      const user = await service.addUser()
      const [phone, laptop] = [await service.signIn(user), await service.signIn(user)]
      const end = method === 'POST' ? '/end' : ''
      const response = await as(phone.token, `${path}${laptop.id}${end}`, { ...init, method })
      t.equal(response.status, status)
      if (status === 200)
        t.same(
          ((await response.json()) as Answer).ignored,
          init.body ? [{ field: 'body', reason: 'is not read' }] : [],
        )
      t.same([await check(phone.token), await check(laptop.token)], [200, 401])
    }
})

t.test('an empty chunked body counts as no body', async (t) => {
  for (const [method, path] of [
    ['POST', '/api/logout'],
    ['DELETE', '/api/sessions/'],
  ] as const)
    for (const type of ['', 'Content-Type: application/json\r\n', 'Content-Type: nonsense\r\n']) {
      const { token, id } = await service.signIn(await service.addUser())
      const target = method === 'DELETE' ? path + id : path
      const head = `${method} ${target} HTTP/1.1\r\nHost: app\r\nConnection: close\r\nAuthorization: Bearer ${token}\r\n${type}`
      t.same(statuses(await raw(base, `${head}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`)), [200], type)
      t.equal(await check(token), 401)
    }
})

t.test('input that may ask for a wider logout is refused by field, and ends no session', async (t) => {
  const { token } = await service.signIn(await service.addUser())
  for (const [init, status] of [
    [json({ scope: 'globall' }), 400],
    [json({ scop: 'global' }), 400],
    [typed('application/json', `${'{"a":'.repeat(9_000)}1${'}'.repeat(9_000)}`), 400],
    [form('scope=global'), 415],
    [typed('application/json', '{"scope":"global"'), 400],
    [typed('text/plain', 'scope=global'), 415],
    [typed('nonsense', '{"scope":"global"}'), 415],
    [json({ scope: 'global', callbackUrl: 'x'.repeat(70_000) }), 413],
  ] as const) {
    const response = await as(token, '/api/logout', init)
    t.equal(response.status, status)
    t.match(await response.json(), { code: String, detail: String, requestId: String })
    t.equal(response.headers.get('set-cookie'), null)
  }
  for (const text of [
    'scope=globall',
    'scope=',
    'scope=global&scope=local',
    'scop=global',
    'scope=local&x=others',
  ])
    t.equal((await as(token, '/logout', form(text))).status, 400, text)
  for (const path of ['/logout', '/api/logout'])
    t.equal((await as(token, `${path}?scope=global`, { method: 'POST' })).status, 400, path)
  t.equal(await check(token), 200)
})
