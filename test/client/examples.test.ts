/** Each example, run as its README says, shows what its README says. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { WebSocket } from 'ws'
import { seedDemo } from '../../demo/users.ts'
import { boundedFetch } from '../support/bounded-fetch.ts'
import { plainNode } from '../support/plain-node.ts'
import { isInstalled, runProgram } from '../support/run-program.ts'
import { json, startService } from '../support/service.ts'
import { nextEvent, waitFor, within } from '../support/within.ts'

const service = await startService({ demo: true })
await service.database.run(seedDemo)
const ada = await service.addUser('ada')
const skip = (await isInstalled('curl', '--version')) || process.env.CI ? false : 'no curl here'
const root = fileURLToPath(new URL('../..', import.meta.url))

/** Starts an example. @returns the address that it prints. */
async function start(example: string, env: Record<string, string> = {}): Promise<string> {
  const child: ChildProcess = spawn(
    ...plainNode('--conditions=global-logout-source', `examples/${example}/server.ts`),
    {
      cwd: root,
      env: { PATH: process.env.PATH, PORT: '0', GLOBAL_LOGOUT_URL: service.base, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  t.teardown(async () => {
    child.kill()
    if (child.exitCode === null && child.signalCode === null)
      await nextEvent(`the end of the example ${example}`, child, 'close')
  })
  return await within(`the address of the example ${example}`, addressIn(child.stdout))
}

async function addressIn(output: Readable | null): Promise<string> {
  for await (const line of createInterface(output ?? Readable.from([]))) {
    const [address] = /http:\S+/.exec(line) ?? []
    if (address) return address
  }
  throw new Error('the example ended without printing an address')
}

/** Runs the second code block of an example's README, its tour. @returns its output. */
async function takeTour(example: string, application: string): Promise<string> {
  const readme = await readFile(`${root}/examples/${example}/README.md`, 'utf8')
  const [, [, tour = ''] = []] = [...readme.matchAll(/```sh\n(.*?)```/gs)]
  // Instead of a pause, because a loaded machine takes longer to open the WebSocket.
  const script = tour
    .replace('& sleep 2', '| tee "$OPENED" & until grep -q Hello "$OPENED"; do sleep 0.1; done')
    .replace(/^SERVICE=.*$/m, `SERVICE=${service.base} APPLICATION=${application}`)
  const { stdout } = await runProgram('bash', ['-c', `set -eu\nOPENED=$(mktemp)\n${script}\nrm "$OPENED"`], {
    cwd: root,
  })
  return stdout
}

for (const example of ['fastify', 'express']) {
  t.test(`the tour of the ${example} example shows what its README says`, { skip }, async (t) => {
    const said = await takeTour(example, await start(example))
    const statuses = [...said.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)
    t.same(statuses, ['200', '401'])
  })

  t.test(`the ${example} example admits a signed-in user until the logout`, async (t) => {
    const url = await start(example)
    const { token, id: sessionId } = await service.signIn(ada)
    const headers = { authorization: `Bearer ${token}` }
    const text = async (path: string, init?: RequestInit) => (await boundedFetch(url + path, init)).text()

    t.equal(await text('/'), 'A page for all.\n')
    t.equal((await boundedFetch(`${url}/me`)).status, 401)
    t.match(JSON.parse(await text('/me', { headers })), { userId: ada, sessionId })
    t.equal(await text('/hello'), 'Hello, stranger.\n')
    t.equal(await text('/hello', { headers }), 'Hello, ada.\n')
    await service.as(token, '/api/logout', json({ scope: 'global' }))
    t.equal((await boundedFetch(`${url}/me`, { headers })).status, 401)
    t.equal(await text('/hello', { headers }), 'Hello, stranger.\n')
  })
}

t.test('with a key, the fastify example checks from memory, and is as prompt', async (t) => {
  const leased = await startService({ database: service.database, env: { CHECK_MODE: 'leased' } })
  const { key } = await leased.keyFor('leases')
  const url = await start('fastify', { GLOBAL_LOGOUT_URL: leased.base, GLOBAL_LOGOUT_KEY: key })
  const checks = async () => {
    const metrics = await (await boundedFetch(`${leased.base}/metrics`)).text()
    return Number(/^global_logout_check_duration_seconds_count\{result="valid"\} (\d+)$/m.exec(metrics)?.[1])
  }
  const { token } = await service.signIn(ada)
  const ask = () => boundedFetch(`${url}/me`, { headers: { authorization: `Bearer ${token}` } })
  await waitFor('an answer from memory', async () => {
    t.equal((await ask()).status, 200)
    const before = await checks()
    t.equal((await ask()).status, 200)
    return before === (await checks())
  })
  await leased.as(token, '/api/logout', json({ scope: 'global' }))
  t.equal((await ask()).status, 401)
})

t.test('the WebSocket example', async (t) => {
  const { key } = await service.keyFor('events')
  const url = await start('websocket', { GLOBAL_LOGOUT_KEY: key })
  const open = async (token: string) => {
    const socket = new WebSocket(url, { headers: { authorization: `Bearer ${token}` } })
    await nextEvent('the greeting', socket, 'message')
    return socket
  }

  t.test('closes after the logout, as its README says', { skip }, async (t) => {
    t.equal(await takeTour('websocket', url), 'Hello, demo-ada.\nclosed: 4401 signed out\n')
  })

  t.test('closes the sockets of an ended session, and no others', async (t) => {
    const [{ token: phone }, { token: laptop }, { token: grace }] = [
      await service.signIn(ada),
      await service.signIn(ada),
      await service.signIn(await service.addUser('grace')),
    ]
    const sockets = [await open(laptop), await open(laptop)]
    const other = await open(grace)
    const closed = Promise.all(sockets.map((socket) => nextEvent('the close', socket, 'close')))
    await service.as(phone, '/api/logout', json({ scope: 'global' }))
    for (const [code, reason] of await closed) t.same([code, String(reason)], [4401, 'signed out'])
    other.send('still here')
    t.equal(String((await nextEvent('an echo', other, 'message'))[0]), 'You said: still here')
    other.close()
  })

  t.test("a page of another site gets no socket with the user's cookie", async (t) => {
    const cookie = `${service.cookieName}=${(await service.signIn(ada)).token}`
    const openFrom = (origin: string) => new WebSocket(url, { headers: { cookie }, origin })
    const own = openFrom(url)
    t.equal(String((await nextEvent('the greeting', own, 'message'))[0]), 'Hello, ada.')
    own.close()
    for (const origin of ['https://evil.example', `${url}.evil.example`, 'http://localhost:1', 'null']) {
      const [error] = await nextEvent('a refusal', openFrom(origin), 'error')
      t.match(error.message, '403', origin)
    }
  })

  t.test('refuses a socket without a session', async (t) => {
    for (const headers of [{}, { authorization: 'Bearer unknown' }]) {
      const socket = new WebSocket(url, { headers })
      const [error] = await nextEvent('a refusal', socket, 'error')
      t.match(error.message, '401')
    }
  })

  t.test('cuts off a peer that does not close its side, and ignores its later messages', async (t) => {
    const { token } = await service.signIn(ada)
    const peer = connect(Number(new URL(url).port), '127.0.0.1')
    const received: Buffer[] = []
    peer.on('data', (chunk) => void received.push(chunk)).on('error', () => {})
    peer.write(
      `GET / HTTP/1.1\r\nHost: app\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
        `Sec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}\r\nAuthorization: Bearer ${token}\r\n\r\n`,
    )
    const until = async (text: string) => {
      await waitFor(`"${text}" on the socket`, () => Buffer.concat(received).includes(text))
    }
    await until('Hello, ada.')
    // ws itself would wait for 30 seconds.
    const ended = nextEvent('the connection to be cut off', peer, 'close', 20_000)
    await service.as(token, '/api/logout', json({ scope: 'local' }))
    await until('signed out')
    // A masked text frame, "hi", instead of the close frame that is due.
    peer.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]))
    await t.resolves(ended)
    t.notOk(Buffer.concat(received).includes('You said'))
  })
})
