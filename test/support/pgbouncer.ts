/** Starts a real PgBouncer in transaction mode in front of a server. */
import { spawn } from 'node:child_process'
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import t from 'tap'
import { freePort } from './ports.ts'
import { isInstalled } from './run-program.ts'
import { nextEvent, waitFor } from './within.ts'

/** The user id of `nobody` on Linux: PgBouncer refuses to run as root. */
const UNPRIVILEGED = 65_534
const PROGRAM = '/usr/sbin/pgbouncer'

/** For tests: why they are skipped. If CI is set, they fail instead. */
export const noPgbouncer =
  (await isInstalled(PROGRAM, '--version')) || process.env.CI
    ? false
    : 'no pgbouncer here (Debian: pgbouncer)'

export interface Pgbouncer {
  /** The address of the same database through it, as the same user. */
  url: string
  /** The address of another database or user through it. */
  urlOf(url: string): string
}

/**
 * Transactions use its server connections in turn, so two transactions of one client may have different ones.
 * Stopped when the test file ends.
 * @param settings additional settings, or other values.
 */
export async function startPgbouncer(url: string, settings: Record<string, string> = {}): Promise<Pgbouncer> {
  const { hostname, port, username, password } = new URL(url)
  const folder = await mkdtemp(join(tmpdir(), 'global-logout-pgbouncer-'))
  const ownPort = await freePort()
  const chosen = {
    listen_addr: '127.0.0.1',
    listen_port: String(ownPort),
    unix_socket_dir: '',
    auth_type: 'scram-sha-256',
    auth_file: join(folder, 'users'),
    pool_mode: 'transaction',
    default_pool_size: '3',
    min_pool_size: '3',
    server_round_robin: '1',
    // It retries after a second, not after 15.
    server_login_retry: '1',
    ...settings,
  }
  const lines = Object.entries(chosen).map(([name, value]) => `${name} = ${value}`)
  const file = join(folder, 'pgbouncer.ini')
  await writeFile(file, `[databases]\n* = host=${hostname} port=${port}\n[pgbouncer]\n${lines.join('\n')}\n`)
  await writeFile(chosen.auth_file, `"${username}" "${password}"\n`)
  const asRoot = process.getuid?.() === 0
  if (asRoot)
    for (const each of [folder, file, chosen.auth_file]) await chown(each, UNPRIVILEGED, UNPRIVILEGED)
  const child = spawn(PROGRAM, ['--quiet', file], {
    stdio: 'ignore',
    ...(asRoot && { uid: UNPRIVILEGED, gid: UNPRIVILEGED }),
  })
  t.teardown(async () => {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null)
      await nextEvent('the end of pgbouncer', child, 'exit')
    await rm(folder, { recursive: true, force: true })
  })

  const urlOf = (other: string) => Object.assign(new URL(other), { port: String(ownPort) }).href
  await waitFor('pgbouncer to answer', () => answers(urlOf(url)))
  return { url: urlOf(url), urlOf }
}

async function answers(connectionString: string): Promise<boolean> {
  const client = new pg.Client({ connectionString })
  try {
    await client.connect()
    await client.query('select 1')
    return true
  } catch {
    return false
  } finally {
    await client.end().catch(() => {})
  }
}
