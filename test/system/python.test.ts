/**
 * The Python example signs in, guards and signs out as its README says, and distinguishes an outage from a
 * sign-out.
 */
import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { boundedFetch } from '../support/bounded-fetch.ts'
import { duringOutage } from '../support/database-outage.ts'
import { freePort } from '../support/ports.ts'
import { isInstalled, runProgram } from '../support/run-program.ts'
import { json, startService } from '../support/service.ts'
import { nextEvent, waitFor } from '../support/within.ts'

const PYTHON = '/usr/bin/python3'
const root = fileURLToPath(new URL('../..', import.meta.url))
const installed =
  (await isInstalled(PYTHON, '-c', 'import flask')) && (await isInstalled('curl', '--version'))
const skip = installed || process.env.CI ? false : 'no Flask here (Debian: python3-flask)'
const installedForLeases =
  (await isInstalled(PYTHON, '--version')) && (await isInstalled('curl', '--version'))
const skipLeases = installedForLeases || process.env.CI ? false : 'no Python or no curl here'
const readme = await readFile(`${root}/examples/python/README.md`, 'utf8')
const [, tour = '', , leasesTour = ''] = [...readme.matchAll(/```sh\n(.*?)```/gs)].map(
  ([, text = '']) => text,
)

const statusesOf = (stdout: string) => [...stdout.matchAll(/HTTP\/1\.\d (\d+)/g)].map(([, status]) => status)

/** Starts an application of the folder. @returns its address. */
async function startApplication(t: Test, file: string, url: string, key: string): Promise<string> {
  const port = await freePort()
  const child = spawn(PYTHON, [`examples/python/${file}`], {
    cwd: root,
    stdio: 'ignore',
    env: { PORT: String(port), GLOBAL_LOGOUT_URL: url, GLOBAL_LOGOUT_KEY: key },
  })
  t.teardown(async () => {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null)
      await nextEvent('the end of Python', child, 'exit')
  })
  const address = `http://127.0.0.1:${port}`
  await waitFor('the application to answer', () => boundedFetch(`${address}/`).catch(() => null))
  return address
}

t.test(
  'the Python server with leases checks from memory, until the sign-out',
  { skip: skipLeases },
  async (t) => {
    const service = await startService({ env: { CHECK_MODE: 'leased' } })
    const { key } = await service.keyFor('leases')
    const server = await startApplication(t, 'leased_server.py', service.base, key)
    const ada = await service.addUser('ada')
    const check = (token: string) => boundedFetch(server, { headers: { authorization: `Bearer ${token}` } })
    for (let round = 0; round < 10; round++) {
      const { token } = await service.signIn(ada)
      const { sessionId } = await waitFor('a check from memory', async () => {
        const answer = (await (await check(token)).json()) as { fromMemory: boolean; sessionId: string }
        return answer.fromMemory && answer
      })
      t.equal((await service.as(token, '/api/logout', json({ scope: 'global' }))).status, 200)
      t.equal((await check(token)).status, 401, `${sessionId} has ended`)
    }

    const { token } = await service.signIn(ada)
    const script = `set -eu\n${leasesTour.replace(/^SERVICE=.*$/m, `SERVICE=${service.base} SERVER=${server}`)}`
    const { stdout } = await runProgram('bash', ['-c', script], {
      env: { PATH: process.env.PATH, TOKEN: token },
    })
    t.same(statusesOf(stdout), ['200', '200', '200', '401'], 'as its README says')
    t.match(stdout, '"fromMemory": true')
  },
)

t.test('the Python example', { skip }, async (t) => {
  const service = await startService()
  const { key } = await service.keyFor('sessions:create')
  const start = (url: string) => startApplication(t, 'app.py', url, key)
  const application = await start(service.base)

  const login = (user: string, headers: Record<string, string>) =>
    boundedFetch(`${application}/login`, { method: 'POST', headers, body: new URLSearchParams({ user }) })

  /** Signs in. @param before the browser's cookie until then. @returns its cookie afterwards. */
  async function signIn(user: string, before = ''): Promise<string> {
    const response = await login(user, { 'sec-fetch-site': 'same-origin', cookie: before })
    t.equal(response.status, 200)
    const [cookie = ''] = response.headers.getSetCookie()
    t.match(cookie, /; HttpOnly; Path=\/; SameSite=Lax$/)
    return cookie.split(';', 1)[0] ?? ''
  }
  const ask = (path: string, cookie: string, init: RequestInit = {}) =>
    boundedFetch(application + path, { ...init, headers: { ...(init.headers as object), cookie } })
  const logout = (cookie: string, site = 'same-origin') =>
    ask('/logout-everywhere', cookie, { method: 'POST', headers: { 'sec-fetch-site': site } })

  t.test('its tour shows what its README says', async (t) => {
    const script = `set -eu\n${tour.replace(/^APPLICATION=.*$/m, `APPLICATION=${application}`)}`
    const { stdout } = await runProgram('bash', ['-c', script])
    t.same(statusesOf(stdout), ['200', '200', '401'])
  })

  t.test('admits a signed-in user, until the sign-out', async (t) => {
    const [laptop, phone] = [await signIn('ädä'), await signIn('ädä')]
    t.match(await (await ask('/me', laptop)).json(), { userId: 'ädä', sessionId: String })
    t.equal((await ask('/me', '')).status, 401)
    t.equal((await ask('/me', 'authjs.session-token=forged')).status, 401)
    t.equal((await logout(phone, 'cross-site')).status, 403)
    t.equal((await ask('/me', laptop)).status, 200)
    const over = await logout(phone)
    t.equal(over.status, 200)
    t.equal(((await over.json()) as { revoked: unknown[] }).revoked.length, 2)
    t.match(over.headers.getSetCookie(), [/^authjs\.session-token=;/])
    for (const cookie of [laptop, phone]) t.equal((await ask('/me', cookie)).status, 401)
  })

  t.test("a sign-in ends the browser's previous session", async (t) => {
    const before = await signIn('cy')
    const after = await signIn('cy', before)
    t.equal((await ask('/me', before)).status, 401)
    t.equal((await ask('/me', after)).status, 200)
    for (const junk of ['', 'x'.repeat(600), '%00'])
      t.equal((await ask('/me', await signIn('cy', `authjs.session-token=${junk}`))).status, 200)
  })

  t.test('a form of another site cannot sign a browser in or out', async (t) => {
    const cookie = await signIn('dan')
    for (const headers of [
      {},
      { origin: 'http://127.0.0.1:1' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site', origin: application },
    ]) {
      const response = await login('eve', headers as Record<string, string>)
      t.equal(response.status, 403)
      t.same(response.headers.getSetCookie(), [])
      t.equal((await ask('/logout-everywhere', cookie, { method: 'POST', headers })).status, 403)
    }
    t.equal((await login('dan', { origin: application })).status, 200, 'a browser without Sec-Fetch-Site')
    t.equal((await ask('/me', cookie)).status, 200)
  })

  t.test('during an outage it is undecided, and no user is signed out', async (t) => {
    const cookie = await signIn('bea')
    await duringOutage(service, async () => {
      for (const response of [await ask('/me', cookie), await logout(cookie)]) {
        t.equal(response.status, 503)
        t.same(response.headers.getSetCookie(), [])
      }
    })
    await waitFor('a decided answer', async () => (await ask('/me', cookie)).status === 200)
  })

  t.test('an answer of another program is undecided', async (t) => {
    // The application itself: its 404 is neither valid nor signed out.
    const astray = await start(application)
    t.equal((await boundedFetch(`${astray}/me`)).status, 503)
    const init = { method: 'POST', headers: { 'sec-fetch-site': 'same-origin' } }
    t.equal((await boundedFetch(`${astray}/logout-everywhere`, init)).status, 503)
  })
})
