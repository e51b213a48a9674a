/**
 * Measures `global-logout import` on stock Auth.js tables, for the figure in docs/adopt.md:
 *
 *     node --conditions=global-logout-source test/adopt/measure-import.ts [SESSIONS]
 *
 * On an embedded PostgreSQL with default durability (fsync is on). Prints the time, PostgreSQL's CPU time,
 * which other load does not change, and the memory of this process. Linux only.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbedded } from '../../demo/embedded.ts'
import { importAll, prepareImport } from '../../src/adopt/import.ts'
import { openDatabase } from '../../src/database/database.ts'
import { migrate } from '../../src/database/migrate.ts'

const sessions = Number(process.argv[2] ?? 1_000_000)
const folder = await mkdtemp(join(tmpdir(), 'global-logout-import-'))
const embedded = await startEmbedded(folder)
/** The CPU time of all PostgreSQL processes, including those that have ended. In seconds. */
async function cpuSeconds(): Promise<number> {
  const [postmaster] = (await readFile(join(folder, 'postgres/postmaster.pid'), 'utf8')).split('\n')
  const children = await readFile(`/proc/${postmaster}/task/${postmaster}/children`, 'utf8')
  let ticks = 0
  for (const pid of [postmaster, ...children.trim().split(' ')]) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
    // utime, stime, cutime and cstime, after the name in brackets.
    for (const each of stat.split(') ')[1]?.split(' ').slice(11, 15) ?? []) ticks += Number(each)
  }
  return ticks / 100
}

const database = openDatabase(embedded.url, { max: 2, deadlineMs: 600_000 })
try {
  await migrate(embedded.url)
  await database.pool.query(`create table public."user" (id text primary key, name text, email text unique, "emailVerified" timestamp, image text);
    create table public.session ("sessionToken" text primary key, "userId" text not null references public."user" (id), expires timestamp not null);
    insert into public."user" select gen_random_uuid(), 'User ' || n, n || '@example.com' from generate_series(1, ${sessions}) n;
    insert into public.session select gen_random_uuid(), id, now() at time zone 'utc' + interval '20 days' from public."user";
    analyze`)
  const source = {
    table: 'public.session',
    token: 'sessionToken',
    user: 'userId',
    expires: 'expires',
    users: 'public.user',
  }
  const prepared = await database.run((db) => prepareImport(db, source))
  const [start, cpuBefore] = [performance.now(), await cpuSeconds()]
  let atMost = 0
  const { counts } = await importAll(database, prepared, {
    dryRun: false,
    onProgress: () => {
      atMost = Math.max(atMost, process.memoryUsage().rss)
    },
    signal: new AbortController().signal,
  })
  const seconds = (performance.now() - start) / 1_000
  const cpu = (await cpuSeconds()) - cpuBefore
  process.stdout.write(
    `${counts.taken} sessions in ${seconds.toFixed(0)} s, ${cpu.toFixed(0)} s of CPU of PostgreSQL, ${cpus().length} cores, at most ${Math.round(atMost / 1e6)} MB\n`,
  )
} finally {
  await database.close()
  await embedded.stop()
  await rm(folder, { recursive: true, force: true })
}
