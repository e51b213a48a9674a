/** Contract: nothing passes while a check cannot be decided, and everything passes again afterwards. */
import { createServer, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { listen } from '../../support/ports.ts'
import { admin } from '../../support/server.ts'
import { nextEvent, waitFor } from '../../support/within.ts'
import type { GatewayName } from './example.ts'
import type { Contract, Rig } from './rig.ts'

/** The answers in which gateways differ, as in the table of `docs/gateways.md`. */
export const REFUSED = {
  undecided: { nginx: 503, caddy: 503, haproxy: 503 },
  stopped: { nginx: 503, caddy: 502, haproxy: 503 },
  hanging: { nginx: 503, caddy: 504, haproxy: 503 },
} as const satisfies Record<string, Record<GatewayName, number>>

/** Repeats a request until it passes. */
async function passesAgain(rig: Rig, headers: Record<string, string>): Promise<void> {
  const passes = async () => (await rig.ask('/again', { headers })).status === 200
  await waitFor('a request to pass again', passes)
}

export const outage: Contract = {
  'a request that cannot be decided gets 503 with Retry-After': async (t, rig) => {
    const { laptop } = await rig.signIn()
    const headers = rig.cookie(laptop.token)
    await admin(rig.localService.database.url, async (client) => {
      await client.query('begin; lock table session in access exclusive mode')
      const answer = await rig.ask('/undecided', { headers })
      t.equal(answer.status, REFUSED.undecided[rig.name])
      t.equal(answer.headers['retry-after'], '1')
      t.notOk(answer.headers['set-cookie'])
      await client.query('rollback')
    })
    await passesAgain(rig, headers)
    t.notOk(await rig.applicationSaw('/undecided'))
  },

  'while the service is stopped nothing passes; after its restart everything does': async (t, rig) => {
    const { laptop } = await rig.signIn()
    const headers = rig.cookie(laptop.token)
    await passesAgain(rig, headers)
    await rig.stop()
    t.equal((await rig.ask('/stopped', { headers })).status, REFUSED.stopped[rig.name])
    t.equal((await rig.ask('/stopped')).status, REFUSED.stopped[rig.name])
    await rig.start()
    await passesAgain(rig, headers)
    t.notOk(await rig.applicationSaw('/stopped'))
  },

  'while the service hangs nothing passes; after it resumes everything does': async (t, rig) => {
    const { laptop } = await rig.signIn()
    const headers = rig.cookie(laptop.token)
    rig.freeze()
    const answers = await Promise.all([1, 2, 3].map(() => rig.ask('/hanging', { headers })))
    for (const { status } of answers) t.equal(status, REFUSED.hanging[rig.name])
    rig.thaw()
    await passesAgain(rig, headers)
    t.notOk(await rig.applicationSaw('/hanging'))
  },

  'the check gets credentials and address without the body, and only its 200 lets a request pass': async (
    t,
    rig,
  ) => {
    await rig.stop()
    const checks: { request: IncomingMessage; body: string }[] = []
    let status = 200
    const standIn = createServer(async (request, response) => {
      checks.push({ request, body: await text(request) })
      response.writeHead(status).end()
    })
    await listen(standIn, rig.ports.service)

    const credentials = { cookie: 'a=1; b=2', authorization: 'Bearer token' }
    const polling = { 'sec-purpose': 'prefetch', 'x-session-activity': 'none' }
    const headers = {
      ...credentials,
      'user-agent': 'Phone',
      'x-forwarded-for': '198.51.100.9',
      forwarded: 'for=198.51.100.9',
      'x-user-id': 'forged!',
      ...polling,
      'x-max-auth-age': '99999999',
    }
    const answer = await rig.ask('/checked?x=1', { method: 'POST', headers, body: 'secret' })
    t.equal(checks.length, 1)
    const [check] = checks
    t.match(check?.request.url, /^\/check/)
    t.match(check?.request.headers, credentials)
    const { 'user-agent': device, 'x-forwarded-for': from } = check?.request.headers ?? {}
    t.same([device, from], ['Phone', '127.0.0.1'], 'not the address that the client claims')
    t.notOk(check?.request.headers.forwarded)
    t.match(check?.request.headers, polling, 'headers by which polling extends no session')
    t.notOk(check?.request.headers['x-max-auth-age'], 'only the gateway may set the age of a sign-in')
    t.equal(check?.body, '')
    t.notMatch(answer.text, 'forged!', 'a 200 without an identity does not pass forged identities')

    for (status of [302, 400, 403, 404, 429, 500, 502, 504]) {
      const { status: answered } = await rig.ask('/other', { headers })
      t.ok(answered >= 300, `${answered} for a check that answers ${status}`)
    }
    t.notOk(await rig.applicationSaw('/other'))
    standIn.closeAllConnections()
    standIn.close()
    await nextEvent('end of the stand-in', standIn, 'close')
    await rig.start()
  },
}
