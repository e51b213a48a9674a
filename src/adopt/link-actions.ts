/** The actions of `global-logout users link|unlink`. Without `--yes` they print what they would run, and change nothing. */
import { UsageError } from '../cli/common.ts'
import type { CommandContext } from '../cli/context.ts'
import { print } from '../cli/print.ts'
import type { Database, Executor } from '../database/database.ts'
import { parseDatabaseUrl } from '../database/database-url.ts'
import { isRowSecurityError, rootCause, sqlState } from '../database/failures.ts'
import { inSchema } from '../database/schema-name.ts'
import { Problem } from '../errors.ts'
import { count } from '../ui/format.ts'
import {
  findLink,
  findLinkable,
  type Linkable,
  type LinkOptions,
  linkStatements,
  mirrorStatement,
  probeStatement,
  unknownUsers,
  unlinkStatements,
} from './link.ts'

/** Limit of a statement that reads the whole table once, in milliseconds. */
const WHOLE_TABLE_MS = 30 * 60_000

export interface Consent {
  yes?: true
}

export async function linkUsers(context: CommandContext, options: LinkOptions & Consent): Promise<void> {
  await context.withDatabase(async (database) => {
    const linkable = await database.run(async (db) => {
      const found = await findLinkable(db, options)
      const link = await findLink(db)
      if (link?.table)
        throw new UsageError(
          `${link.table} is linked. Run "global-logout users unlink" first: ids of two tables could not be told apart.`,
        )
      return found
    })
    const schema = await schemaOf(context)
    const statements = linkStatements(linkable, schema.slice(0, 40))
    const mirror = mirrorStatement(linkable)
    printSql(mirror === null ? statements : [...statements, mirror], schema)
    if (!options.yes) return print('\nNothing was changed. Run this as it is, or pass --yes to run it now.')
    await install(database, linkable, statements)
    const { quoted } = linkable.table
    print(`\n${quoted} is linked: the sessions of a user who is deleted there end.`)
    if (mirror !== null) {
      const failure = `${quoted} is linked, but names and emails of the mirror were not updated. Remove the cause, then run the update above.`
      const updated = await afterLinking(database, failure, (tx) => updateMirror(tx, mirror))
      print(`${count(updated, 'user')} of the mirror updated.`)
    }
    const failure = `${quoted} is linked, but users with sessions who are not in it were not counted.`
    const unknown = await afterLinking(database, failure, (tx) => unknownUsers(tx, linkable))
    if (unknown > 0)
      print(
        `${count(unknown, 'user')} with sessions ${unknown === 1 ? 'is' : 'are'} not in ${quoted}: deleted before, or this is another table. Their sessions go on.`,
      )
  })
}

export async function unlinkUsers(context: CommandContext, { yes }: Consent): Promise<void> {
  await context.withDatabase(async (database) => {
    const link = await database.run(findLink)
    if (!link) return print('No table is linked.')
    const statements = unlinkStatements(link)
    printSql(statements, await schemaOf(context))
    if (!yes) return print('\nNothing was changed. Run this as it is, or pass --yes to run it now.')
    await database.transaction((tx) => runAll(tx, statements))
    print(`\n${link.table ?? 'A table that is gone'} is not linked any more.`)
  })
}

async function schemaOf({ databaseUrl }: CommandContext): Promise<string> {
  return parseDatabaseUrl(await databaseUrl()).schema
}

/** As psql runs it. */
function printSql(statements: string[], schema: string): void {
  const lines = statements.map((statement) => `${inSchema(statement, schema)};`)
  print(['begin;', ...lines, 'commit;'].join('\n'))
}

async function runAll(tx: Executor, statements: string[]): Promise<void> {
  for (const statement of statements) await tx.execute(statement)
}

/** In a transaction of its own, because the lock of `create trigger` holds up every write to the table. */
async function install(database: Database, linkable: Linkable, statements: string[]): Promise<void> {
  const { quoted } = linkable.table
  try {
    await database.transaction(async (tx) => {
      await tx.execute(probeStatement(linkable))
      await tx.execute('delete from global_logout.user_link')
      await runAll(tx, statements)
    })
  } catch (error) {
    const cause = causeOf(error)
    if (sqlState(cause) !== '42501') throw error
    if (isRowSecurityError(cause))
      throw new Error(
        `row level security hides rows of ${quoted} from the user of DATABASE_URL, who needs BYPASSRLS. Or run the statements above as a superuser. Nothing was changed.`,
      )
    throw new Error(
      `the user of DATABASE_URL may not link ${quoted}: it needs to own the schema of global-logout, and the rights SELECT and TRIGGER on the table. Or run the statements above as a superuser. Nothing was changed.`,
      { cause },
    )
  }
}

/** Runs what reads the whole table. @throws Error with `failure`, which says what stands: the link does already. */
async function afterLinking<T>(
  database: Database,
  failure: string,
  work: (tx: Executor) => Promise<T>,
): Promise<T> {
  try {
    return await database.transaction(async (tx) => {
      await tx.extend(WHOLE_TABLE_MS)
      return work(tx)
    })
  } catch (error) {
    throw new Error(failure, { cause: causeOf(error) })
  }
}

async function updateMirror(tx: Executor, statement: string): Promise<number> {
  const { rowCount } = (await tx.execute(statement)) as { rowCount: number | null }
  return rowCount ?? 0
}

/** What PostgreSQL said: the texts for pages end with "Nothing was changed". */
function causeOf(error: unknown): unknown {
  return rootCause(error instanceof Problem ? error.cause : error)
}
