/** Which cookie is the session cookie: what a neighbour on a sibling domain can put beside it, byte by byte. */
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

t.test('a byte beside the name or the value of a cookie makes it another one, unless it is blank', async (t) => {
  t.equal(cookieName, '__Host-authjs.session-token')
  const { token } = await service.signIn(await service.addUser())
  const places: [place: string, cookie: (byte: string) => string, harmless: string][] = [
    ['before the name', (byte) => `${byte}${cookieName}=${token}`, ' \t;'],
    ['before the name of a second one', (byte) => `theme=dark;${byte}${cookieName}=${token}`, ' \t;'],
    ['after the name', (byte) => `${cookieName}${byte}=${token}`, ' \t'],
    ['before the value', (byte) => `${cookieName}=${byte}${token}`, ' \t'],
    ['after the value', (byte) => `${cookieName}=${token}${byte}; theme=dark`, ' \t;'],
  ]
  for (const [place, cookie, harmless] of places) {
    const bytes = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code))
    const answers = await Promise.all(bytes.map((byte) => asked(cookie(byte))))
    t.same(new Set(answers), new Set([200, 400, 401]), `${place}: 400 where it is no header`)
    t.same(
      bytes.filter((_, code) => answers[code] === 200),
      [...harmless].sort(),
      place,
    )
  }
})

t.test('nobody is signed in as the one who planted a cookie of nearly the same name', async (t) => {
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
      /^HTTP\/1\.1 200 [^]*x-user-id: victim/,
      `and the victim stays who they are beside ${JSON.stringify(name)}`,
    )
  }
})

t.test('a bearer token is set apart by spaces and tabs alone', async (t) => {
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
