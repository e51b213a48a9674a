/**
 * The PostgreSQL of the benchmarks: used only by them, durable as in production, kept in a folder between
 * runs.
 */
import { readFile } from 'node:fs/promises'
import { totalmem } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { startEmbedded } from '../demo/embedded.ts'

const GIB = 1024 ** 3

export interface Postgres {
  /** The pid of its first process. */
  pid: number
  version: string
  urlOf(database: string): string
  /** Runs `work` on a connection of its own. */
  connected<T>(database: string, work: (client: pg.Client) => Promise<T>): Promise<T>
  /** Makes a copy of a database, replacing one left from an earlier run. */
  copy(database: string, name: string): Promise<void>
  drop(database: string): Promise<void>
  stop(): Promise<void>
}

/** The service's tables come first if there are any: the SQL of the benchmark names no schema. */
const SEARCH_PATH = '-c search_path=global_logout,public'

export async function startPostgres(folder: string): Promise<Postgres> {
  // A quarter of the memory, as PostgreSQL's manual recommends; within what a shared machine can spare.
  const buffers = Math.round(Math.min(4, Math.max(0.5, totalmem() / GIB / 4)) * 1024)
  const server = await startEmbedded(folder, {
    settings: {
      fsync: 'on',
      shared_buffers: `${buffers}MB`,
      // One for each instance of the largest fleet.
      max_connections: '1100',
      maintenance_work_mem: '512MB',
      max_wal_size: '8GB',
    },
  })
  const urlOf = (database: string) => Object.assign(new URL(server.url), { pathname: `/${database}` }).href

  async function connected<T>(database: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = new pg.Client({ connectionString: urlOf(database), options: SEARCH_PATH })
    client.on('error', () => {})
    await client.connect()
    try {
      return await work(client)
    } finally {
      await client.end()
    }
  }
  const drop = (database: string) =>
    connected('postgres', async (client) => {
      await client.query(`drop database if exists ${database} with (force)`)
    })

  const { rows } = await connected('postgres', (client) => client.query('show server_version'))
  const postmaster = await readFile(join(folder, 'postgres', 'postmaster.pid'), 'utf8')
  return {
    pid: Number.parseInt(postmaster, 10),
    version: rows[0].server_version,
    urlOf,
    connected,
    drop,
    async copy(database, name) {
      await drop(name)
      await connected('postgres', (client) =>
        client.query(`create database ${name} template ${database} strategy file_copy`),
      )
    },
    stop: server.stop,
  }
}
