/**
 * Which cookie is the session cookie, byte by byte, when a sibling domain plants others with similar names.
 */
import t from 'tap'
import { raw, statuses } from '../support/raw.ts'
import { startService } from '../support/service.ts'

const service = await startService({ env: { PUBLIC_URL: 'https://app.example.com' } })
const { base, cookieName } = service

/** The status of a request with this Cookie header, sent as these bytes. */
async function asked(cookie: string, path = '/check'): Promise<number | undefined> {
  const head = `GET ${path} HTTP/1.1\r\nHost: app\r\nConnection: close\r\nCookie: ${cookie}\r\n\r\n`
  return statuses(await raw(base, head))[0]
}

t.test('any byte next to the name or value makes it a different cookie, unless it is a blank', async (t) => {
  t.equal(cookieName, '__Host-authjs.session-token')
  const { token } = await service.signIn(await service.addUser())
  const places: [place: string, cookie: (byte: string) => string, harmless: string][] = [
    ['before the name', (byte) => `${byte}${cookieName}=${token}`, ' \t;'],
    ['before the name of a second cookie', (byte) => `theme=dark;${byte}${cookieName}=${token}`, ' \t;'],
    ['after the name', (byte) => `${cookieName}${byte}=${token}`, ' \t'],
    ['before the value', (byte) => `${cookieName}=${byte}${token}`, ' \t'],
    ['after the value', (byte) => `${cookieName}=${token}${byte}; theme=dark`, ' \t;'],
  ]
  for (const [place, cookie, harmless] of places) {
    const bytes = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code))
    const answers = await Promise.all(bytes.map((byte) => asked(cookie(byte))))
    t.same(new Set(answers), new Set([200, 400, 401]), `${place}: 400 where the header is invalid`)
    t.same(
      bytes.filter((_, code) => answers[code] === 200),
      [...harmless].sort(),
      place,
    )
  }
})

t.test('a cookie with nearly the same name never signs the user in as the attacker', async (t) => {
  const attacker = await service.signIn(await service.addUser())
  const names = [
    `\xa0${cookieName}`,
    `${cookieName}\xa0`,
    `\xc2\xa0${cookieName}`,
    `\xef\xbb\xbf${cookieName}`,
    `=${cookieName}`,
    `"${cookieName}"`,
    cookieName.toLowerCase(),
    cookieName.toUpperCase(),
    encodeURIComponent(cookieName).replace('.', '%2E'),
    `${cookieName},`,
    `x,${cookieName}`,
  ]
  for (const name of names)
    for (const path of ['/check', '/api/session', '/api/sessions'])
      t.equal(await asked(`${name}=${attacker.token}`, path), 401, `${path} ${JSON.stringify(name)}`)
  const victim = await service.signIn(await service.addUser('victim'))
  for (const name of names) {
    const cookie = `${name}=${attacker.token}; ${cookieName}=${victim.token}`
    t.match(
      await raw(base, `GET /check HTTP/1.1\r\nHost: app\r\nConnection: close\r\nCookie: ${cookie}\r\n\r\n`),
      /^HTTP\/1\.1 200 .*x-user-id: victim/s,
      `the victim stays signed in next to ${JSON.stringify(name)}`,
    )
  }
})

t.test('only spaces and tabs separate a bearer token', async (t) => {
  const { token } = await service.signIn(await service.addUser())
  const { key } = await service.keyFor('events', 'security')
  const ask = async (path: string, authorization: string) => {
    const head = `GET ${path} HTTP/1.1\r\nHost: app\r\nConnection: close\r\nAuthorization: ${authorization}\r\n\r\n`
    return statuses(await raw(base, head))[0]
  }
  for (const [path, secret] of [
    ['/check', token],
    ['/api/session', token],
    ['/events', key],
    ['/api/admin/users?q=x', key],
  ] as const) {
    for (const blank of [' ', '\t', '  \t ']) t.equal(await ask(path, `Bearer${blank}${secret}`), 200, path)
    for (const other of ['\xa0', '\x85', ' \xa0'])
      t.equal(await ask(path, `Bearer${other}${secret}`), 401, `${path} ${JSON.stringify(other)}`)
    t.equal(await ask(path, `\xa0Bearer ${secret}`), 401, path)
    t.equal(await ask(path, `Bearer ${secret}\xa0`), 401, path)
  }
})

t.test('if two session cookies differ, the 401 removes every form that a browser may hold', async (t) => {
  const cases: [env: Record<string, string>, domains: (string | null)[]][] = [
    [{ PUBLIC_URL: 'https://app.example.com' }, [null]],
    [
      { PUBLIC_URL: 'https://id.app.example.com', SESSION_COOKIE: '__Secure-authjs.session-token' },
      [null, 'id.app.example.com', 'app.example.com', 'example.com'],
    ],
    [
      { PUBLIC_URL: 'https://id.app.example.com', COOKIE_DOMAIN: '.app.example.com' },
      ['.app.example.com', null, 'id.app.example.com', 'example.com'],
    ],
    [{ PUBLIC_URL: 'http://192.0.2.7' }, [null]],
    [{ PUBLIC_URL: 'http://[2001:db8::1]' }, [null]],
    [{ PUBLIC_URL: 'http://localhost' }, [null]],
  ]
  for (const [env, domains] of cases) {
    const { cookieName, http, config } = await startService({ database: service.database, env })
    const two = `${cookieName}=one; ${cookieName}=another`
    const headers = { cookie: two, origin: config.publicOrigin }
    const proper = (line: string) =>
      line.startsWith(`${cookieName}=;`) &&
      /Expires=Thu, 01 Jan 1970/.test(line) &&
      /Path=\//.test(line) &&
      /Secure/.test(line) === config.secure
    for (const [method, path, status] of [
      ['GET', '/check', 401],
      ['GET', '/api/session', 401],
      ['GET', '/api/session/events', 401],
      ['POST', '/api/logout', 401],
      ['GET', '/signed-out', 200],
    ] as const) {
      const response = await http(path, { method, headers })
      t.equal(response.status, status)
      const lines = response.headers.getSetCookie()
      t.ok(lines.every(proper), `${path}: ${lines}`)
      t.same(
        lines.map((line) => /Domain=([^;]+)/.exec(line)?.[1] ?? null),
        domains,
        `${path} of ${config.publicOrigin}`,
      )
    }
    const page = await (await http('/signed-out', { headers })).text()
    t.match(page, 'Your browser sent two different session cookies. We removed both')
    t.match(page, 'no session was ended')
    for (const path of ['/', '/admin', '/logout']) {
      const response = await http(path, { headers })
      t.equal(response.headers.get('location'), '/signed-out')
      t.same(response.headers.getSetCookie(), [], 'the page that explains it removes them')
    }
  }
})

t.test('a logout clears the session cookie in every form', async (t) => {
  const env = { PUBLIC_URL: 'https://app.example.com', COOKIE_DOMAIN: 'example.com' }
  const { cookieName, http, config } = await startService({ database: service.database, env })
  const { token } = await service.signIn(await service.addUser())
  const headers = { cookie: `${cookieName}=${token}`, origin: config.publicOrigin }
  const response = await http('/api/logout', { method: 'POST', headers })
  t.equal(response.status, 200)
  const cleared = response.headers.getSetCookie().filter((line) => line.startsWith(`${cookieName}=;`))
  t.same(
    cleared.map((line) => /Domain=([^;]+)/.exec(line)?.[1] ?? null),
    ['example.com', null, 'app.example.com'],
  )
})
