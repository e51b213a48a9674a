/**
 * Two PostgreSQL servers, the second a synchronous standby of the first. A promotion leaves two primaries;
 * the old one can no longer commit, but still answers reads. It is then recreated as the standby of the
 * other.
 */
import { execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { chown, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { type Embedded, startEmbedded } from '../../../demo/embedded.ts'
import { migrate } from '../../../src/database/migrate.ts'
import { freePort } from '../../support/ports.ts'
import { killServer } from '../../support/server-processes.ts'
import { waitFor } from '../../support/within.ts'
import { onExit } from './leftovers.ts'
import { SETTINGS } from './postgres.ts'

interface Server {
  folder: string
  port: number
  running: Embedded
}

export type Cluster = Awaited<ReturnType<typeof startCluster>>

export async function startCluster() {
  const root = await mkdtemp(join(tmpdir(), 'global-logout-prove-'))
  const folders = [join(root, 'a'), join(root, 'b')] as const
  const killAll = () => {
    for (const folder of folders) killServer(join(folder, 'postgres'))
  }
  const forget = onExit(() => {
    killAll()
    rmSync(root, { recursive: true, force: true })
  })
  // The servers run as another user, who must be able to enter.
  await promisify(execFile)('chmod', ['755', root])
  let primary = await startPrimary(folders[0])
  await migrate(primary.running.url)
  let standby = await standbyOf(primary, folders[1])

  return {
    url: primary.running.url,
    port: primary.port,
    ports: () => ({ primary: primary.port, standby: standby.port }),
    /** Whether the standby applies what it receives. */
    applies: (on: boolean) => sql(standby, `select pg_wal_replay_${on ? 'resume' : 'pause'}()`),
    /**
     * Promotes the standby, which leaves two primaries. The one returned can commit, the other only reads.
     */
    async promote(): Promise<{ current: number; left: number }> {
      await sql(standby, 'select pg_promote()')
      return { current: standby.port, left: primary.port }
    },
    /** After a promotion: stops the old primary, and recreates it as the standby of the other. */
    async rebuild(): Promise<void> {
      const { folder, running } = primary
      await running.stop()
      await rm(folder, { recursive: true, force: true })
      primary = standby
      standby = await standbyOf(primary, folder)
    },
    kill: killAll,
    restart: async () => {},
    async stop(): Promise<void> {
      for (const { running } of [standby, primary]) await running.stop()
      await rm(root, { recursive: true, force: true })
      forget()
    },
  }
}

const CLUSTER_SETTINGS = { ...SETTINGS, wal_keep_size: '512MB', hot_standby: 'on' }

async function startPrimary(folder: string): Promise<Server> {
  const port = await freePort()
  return { folder, port, running: await startEmbedded(folder, { port, settings: CLUSTER_SETTINGS }) }
}

/** Copies a running primary, starts the copy as its standby, and makes commits wait for it. */
async function standbyOf(primary: Server, folder: string): Promise<Server> {
  const data = join(folder, 'postgres')
  await mkdir(folder)
  const { uid, gid } = await stat(primary.folder)
  await chown(folder, uid, gid)
  await copyRunning(primary, folder)
  await writeFile(join(data, 'standby.signal'), '')
  for (const file of ['standby.signal', 'backup_label']) await chown(join(data, file), uid, gid)
  await rm(join(data, 'postmaster.pid'), { force: true })

  const port = await freePort()
  const { hostname, username, password } = new URL(primary.running.url)
  const primary_conninfo = `host=${hostname} port=${primary.port} user=${username} password=${password}`
  const running = await startEmbedded(folder, { port, settings: { ...CLUSTER_SETTINGS, primary_conninfo } })
  await sql(primary, `alter system set synchronous_standby_names = '*'`)
  await sql(primary, 'select pg_reload_conf()')
  const isSynchronous = `select from pg_stat_replication where sync_state = 'sync'`
  await waitFor('a synchronous standby', async () => (await sql(primary, isSynchronous)) > 0)
  return { folder, port, running }
}

async function copyRunning(primary: Server, folder: string): Promise<void> {
  const client = new pg.Client(primary.running.url)
  await client.connect()
  try {
    await client.query(`select pg_backup_start('prove', true)`)
    // Files that vanish meanwhile are not part of the backup.
    await promisify(execFile)('cp', ['-a', join(primary.folder, 'postgres'), folder]).catch(({ stderr }) => {
      if (!/^(cp: cannot (stat|open) .*No such file or directory\n)+$/.test(stderr)) throw new Error(stderr)
    })
    const { rows } = await client.query('select labelfile from pg_backup_stop(false)')
    await writeFile(join(folder, 'postgres', 'backup_label'), rows[0].labelfile)
  } finally {
    await client.end()
  }
}

/** @returns the number of rows. */
async function sql({ running }: Server, text: string): Promise<number> {
  const client = new pg.Client(running.url)
  await client.connect()
  try {
    return (await client.query(text)).rowCount ?? 0
  } finally {
    await client.end()
  }
}
