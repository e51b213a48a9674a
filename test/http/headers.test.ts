/** Long headers are decided or refused for their length, and paths are matched literally. */
import t from 'tap'
import { raw, statuses } from '../support/raw.ts'
import { startService } from '../support/service.ts'
import { ask } from '../system/gateways/requests.ts'

const service = await startService()
const { port } = service.config
const long = (kilobytes: number) => `other=${'x'.repeat(kilobytes * 1024)}`

t.test('a user with 60 KB of cookies is checked, and can log out', async (t) => {
  const { token, id } = await service.signIn(await service.addUser())
  const headers = { cookie: `${long(60)}; ${service.cookieName}=${token}`, 'sec-fetch-site': 'same-origin' }
  const checked = await ask(port, '/check', { headers })
  t.equal(checked.status, 200)
  t.equal(checked.headers['x-session-id'], id)
  t.equal((await ask(port, '/logout', { method: 'POST', headers })).status, 303)
  t.equal((await ask(port, '/check', { headers })).status, 401)
})

t.test(
  'headers of more than 64 KB get 431, and the answer arrives while they are still being sent',
  async (t) => {
    for (const kilobytes of [65, 300, 2_000]) {
      const answer = await ask(port, '/check', { headers: { cookie: long(kilobytes) } })
      t.equal(answer.status, 431, `${kilobytes} KB`)
      t.match(JSON.parse(answer.text), { code: 'headers_too_large' })
    }
  },
)

t.test('a cookie after a thousand other headers is read', async (t) => {
  const { token } = await service.signIn(await service.addUser())
  const others = (lines: number) => Array.from({ length: lines }, (_, at) => `h${at}: x\r\n`).join('')
  const cookie = (value: string) => `Cookie: ${service.cookieName}=${value}\r\n`
  for (const lines of [999, 1_001, 5_000]) {
    const head = `GET /check HTTP/1.1\r\nHost: app\r\nConnection: close\r\n${others(lines)}${cookie(token)}`
    t.same(statuses(await raw(service.base, `${head}\r\n`)), [200], `${lines} lines`)
    t.same(
      statuses(await raw(service.base, `${head}${cookie('another')}\r\n`)),
      [401],
      'a second one is ambiguous',
    )
  }
})

t.test('a path with dot segments is not resolved, so it ends no session', async (t) => {
  const { token } = await service.signIn(await service.addUser())
  const headers = { authorization: `Bearer ${token}`, accept: 'application/json' }
  const paths = [
    '/check/../logout',
    '/check/../api/logout',
    '/check/..;/api/logout',
    '/check/%2e%2e/logout',
    '/x/../logout',
    '/./api/logout',
    '//api/logout',
    '/api%2flogout',
    '/api/x/../logout',
  ]
  for (const path of paths) {
    const { status } = await ask(port, path, { method: 'POST', headers })
    t.equal(status, path.startsWith('/check/') ? 200 : 404, path)
  }
  t.equal((await ask(port, '/check', { headers })).status, 200)
})
