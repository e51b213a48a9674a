/** Contract: bodies without end and ambiguous paths are refused before a check. */

import { received } from './requests.ts'
import type { Contract } from './rig.ts'

/** Far more than a gateway may store. In bytes. */
const FLOOD = 32 * 1024 * 1024
const KEPT = 1024 * 1024

export const refused: Contract = {
  'an endless body is refused while it arrives, and is not stored': async (t, rig) => {
    const preflight = ['Origin: https://other.example', 'Access-Control-Request-Method: PUT']
    const open = ['POST /logout', 'POST /api/logout', 'POST /login', 'POST /orders', 'OPTIONS /orders']
    for (const line of open) {
      for (const framing of ['Content-Length: 300000000', 'Transfer-Encoding: chunked']) {
        const { status, sent, stored } = await rig.flood(
          [`${line} HTTP/1.1`, 'Host: a', ...preflight, framing],
          FLOOD,
        )
        const answered = Number.isNaN(status) ? sent < FLOOD : status >= 400 && status < 500
        t.ok(answered, `${line}, ${framing}: ${status} after ${sent} bytes`)
        t.ok(stored < KEPT, `${line}, ${framing}: ${stored} bytes stored`)
      }
    }
  },

  'no path with a dot segment or a fragment passes, in any spelling': async (t, rig) => {
    const { laptop } = await rig.signIn()
    const cookie = `Cookie: ${rig.localService.cookieName}=${laptop.token}`
    const paths = [
      '/check/../logout',
      '/logout/../hidden',
      '/login/%2e%2e/hidden',
      '/login/.%2E/hidden',
      '/login/..;/hidden',
      '/login/..;x=1/hidden',
      '/login/..%3b/hidden',
      '/login/..%2fhidden',
      '/login%2f..%2fhidden',
      '/login/..%5Chidden',
      '/login/..\\hidden',
      '/login\\..\\hidden',
      '/login/%252e%252e/hidden',
      '/login%252f..%252fhidden',
      '/hidden/.',
      '/login{/../}hidden',
      '/hidden/..',
      '/./hidden',
      '/hidden#/../login',
      '/login#/hidden',
      'http://a/login/../hidden',
    ]
    for (const path of paths) {
      for (const method of ['GET', 'POST']) {
        const sent = [`${method} ${path} HTTP/1.1`, 'Host: a', cookie, 'Sec-Fetch-Site: same-origin']
        const { status, text } = await rig.exchange([...sent, 'Content-Length: 0'])
        t.equal(status, 400, `${method} ${path}`)
        t.notMatch(text, /^x-user-id/im)
      }
    }
    t.notOk(await rig.applicationSaw('hidden'))
    for (const path of ['/.well-known/x', '/a..b/..c/d..', '/...x', '/x?next=/../y'])
      t.equal((await rig.ask(path, { headers: rig.cookie(laptop.token) })).status, 200, path)
  },

  'trailers carry no identity, and headers name no other path': async (t, rig) => {
    const { id, laptop } = await rig.signIn()
    const { status, text } = await rig.exchange([
      'POST /trailers HTTP/1.1',
      'Host: a',
      `Cookie: ${rig.localService.cookieName}=${laptop.token}`,
      'X-Original-URL: /forged!',
      'X-Rewrite-URL: /forged!',
      'Connection: close',
      'TE: trailers',
      'Trailer: X-User-ID',
      'Transfer-Encoding: chunked',
      '',
      '4\r\nbody\r\n0',
      'X-User-ID: forged!',
      'X-Session-ID: forged!',
    ])
    t.equal(status, 200)
    const [head = '', body] = text.slice(text.indexOf('POST /trailers')).split('\r\n\r\n')
    t.equal(received(head.toLowerCase()).all('x-user-id').join(), id)
    t.notMatch(head, 'forged!')
    t.match(body, 'body')
    const trailers = text.match(/^trailer x-(user|session)-id: forged!/gim) ?? []
    t.equal(trailers.length, PASSED_TRAILERS[rig.name], 'where trailers pass, they stay trailers')
  },

  'a long Cookie header is decided, or refused for its length': async (t, rig) => {
    const { id, laptop } = await rig.signIn()
    const { cookie } = rig.cookie(laptop.token)
    for (const kilobytes of [12, 17, 30]) {
      const long = `a=${'x'.repeat(kilobytes * 1024)}`
      const answer = await rig.ask('/long', { headers: { cookie: `${long}; ${cookie}` } })
      t.equal(answer.status, 200, `${kilobytes} KB`)
      t.same(received(answer.text).all('x-user-id'), [id])
      t.equal(
        (await rig.ask('/long', { headers: { cookie: long } })).status,
        401,
        `${kilobytes} KB of others`,
      )
    }
    for (const kilobytes of [40, 100, 500]) {
      const long = `Cookie: a=${'x'.repeat(kilobytes * 1024)}; ${cookie}`
      const { status } = await rig.open(['GET /longer HTTP/1.1', 'Host: a', long, 'Connection: close'])
      t.ok([400, 431].includes(status), `${status} for ${kilobytes} KB`)
    }
    t.notOk(await rig.applicationSaw('/longer'))
  },
}

/** How many of two trailers the application gets, as trailers; HAProxy drops them from 3.2 on. */
const PASSED_TRAILERS = { nginx: 0, caddy: 0, haproxy: 2 }
