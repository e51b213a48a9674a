/** Contract: CORS preflights are the only requests for the application that pass without a check. */

import { received } from './requests.ts'
import type { Contract } from './rig.ts'

const PREFLIGHT = {
  origin: 'https://other.example',
  'access-control-request-method': 'PUT',
  'access-control-request-headers': 'content-type,x-own',
}
const FORGED = {
  'x-user-id': 'forged!',
  x_user_id: 'forged!',
  'x.session.id': 'forged!',
  'x-session-id': 'forged!',
}
/** What the application must not get from an unchecked request. */
const WITHHELD = ['x-user-id', 'x-session-id', 'cookie', 'authorization', 'upgrade', 'x-http-method-override']

export const preflights: Contract = {
  'a CORS preflight reaches the application without an identity': async (t, rig) => {
    const { laptop } = await rig.signIn()
    const credentials = { ...rig.cookie(laptop.token), authorization: `Bearer ${laptop.token}` }
    const override = { 'x-http-method-override': 'DELETE' }
    for (const more of [{}, FORGED, { ...credentials, ...FORGED, ...override }]) {
      const answer = await rig.ask('/preflight?x=1', {
        method: 'OPTIONS',
        headers: { ...PREFLIGHT, ...more },
      })
      t.equal(answer.status, 200)
      const { line, all } = received(answer.text)
      t.equal(line, 'OPTIONS /preflight?x=1 HTTP/1.1')
      for (const [name, value] of Object.entries(PREFLIGHT)) t.same(all(name), [value], name)
      for (const name of WITHHELD) t.same(all(name), [], name)
      t.same(all('host'), [`127.0.0.1:${rig.ports.gateway}`])
      t.notMatch(answer.text, 'forged!')
    }
    const { origin, 'access-control-request-method': method } = PREFLIGHT
    const simple = { origin, 'access-control-request-method': method }
    const { text } = await rig.ask('/preflight', { method: 'OPTIONS', headers: simple })
    t.same(received(text).all('access-control-request-headers'), [], 'headers that the client did not send')
    const { status } = await rig.upgrade('/preflight', { ...PREFLIGHT, upgrade: 'websocket' }, 'OPTIONS')
    t.equal(status, 200, 'it opens no WebSocket')
  },

  'a request that only resembles a preflight is checked': async (t, rig) => {
    const { origin, 'access-control-request-method': method } = PREFLIGHT
    const others: [string, Record<string, string>][] = [
      ['OPTIONS', { origin }],
      ['OPTIONS', { 'access-control-request-method': method }],
      ...['GET', 'POST', 'PUT', 'DELETE'].map((method): [string, Record<string, string>] => [
        method,
        { ...PREFLIGHT, 'x-http-method-override': 'OPTIONS' },
      ]),
    ]
    for (const [method, headers] of others)
      t.equal((await rig.ask('/no-preflight', { method, headers })).status, 401, method)
    for (const chunked of [false, true]) {
      const { status } = await rig.ask('/no-preflight', {
        method: 'OPTIONS',
        headers: PREFLIGHT,
        body: 'has a body',
        chunked,
      })
      t.ok([401, 413].includes(status), `${status} with a body`)
    }
    t.notOk(await rig.applicationSaw('/no-preflight'))
  },
}
