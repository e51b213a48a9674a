/**
 * Makes `baseline.sql`, the dump that `upgrade.test.ts` upgrades: a database of this version with a few rows
 * in every table. Run it once for each release, before migrations are added, on the oldest supported
 * PostgreSQL, because a dump restores into newer servers only:
 *
 *     DATABASE_URL=postgres://…/empty PATH=/usr/lib/postgresql/15/bin:$PATH node test/database/make-baseline.ts
 *
 * The database must be empty. A released dump is kept: the next one gets its own name.
 */
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import pg from 'pg'
import { migrate } from '../../src/database/migrate.ts'
import { SEARCH_PATH } from '../support/server.ts'

const url = process.env.DATABASE_URL
if (!url) throw new Error('DATABASE_URL names the empty database to be filled')

await migrate(url)
const client = new pg.Client({ connectionString: url, options: SEARCH_PATH })
await client.connect()
await client.query(await readFile(new URL('baseline-rows.sql', import.meta.url), 'utf8'))
await client.end()

const { stdout } = await promisify(execFile)('pg_dump', ['--column-inserts', '--no-owner', url], {
  maxBuffer: 2 ** 26,
})
// Comments, and the commands of psql that newer versions of pg_dump add.
const lines = stdout.split('\n').filter((line) => !/^(--|\\)/.test(line))
await writeFile(
  new URL('baseline.sql', import.meta.url),
  `${lines
    .join('\n')
    .replace(/\n{2,}/g, '\n\n')
    .trim()}\n`,
)
