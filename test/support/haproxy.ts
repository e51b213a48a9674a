/** HAProxy in front of several instances of the service: each request goes to the next one that is ready. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import t from 'tap'
import { boundedFetch } from './bounded-fetch.ts'
import { freePort } from './ports.ts'
import { isInstalled } from './run-program.ts'
import { nextEvent, waitFor } from './within.ts'

/** Debian installs servers outside an ordinary user's PATH. */
const PATH = [process.env.PATH, '/usr/sbin'].join(delimiter)

/** Why a test cannot run here; false where it can, and in CI, where it fails. */
export const noHaproxy =
  (await isInstalled('env', `PATH=${PATH}`, 'haproxy', '-v')) || process.env.CI ? false : 'no HAProxy here'

/** @param bases of the instances. @returns the address in front of them. Ends with the test file. */
export async function startHaproxy(bases: readonly string[]): Promise<string> {
  const port = await freePort()
  const folder = await mkdtemp(join(tmpdir(), 'global-logout-haproxy-'))
  const servers = bases.map((base, n) => `  server s${n} ${new URL(base).host} check inter 1s`)
  const file = join(folder, 'haproxy.cfg')
  await writeFile(
    file,
    `defaults
  mode http
  timeout connect 5s
  timeout check 5s
  timeout client 30s
  timeout server 30s
  option redispatch
listen service
  bind 127.0.0.1:${port}
  balance roundrobin
  option httpchk GET /readyz
${servers.join('\n')}
`,
  )
  const child = spawn('haproxy', ['-db', '-f', file], {
    env: { PATH },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  t.teardown(async () => {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null)
      await nextEvent('the end of HAProxy', child, 'close')
    await rm(folder, { recursive: true })
  })
  const base = `http://127.0.0.1:${port}`
  const answers = async () => (await boundedFetch(`${base}/readyz`).catch(() => null))?.status === 200
  await waitFor('HAProxy', answers)
  return base
}
