/** The actions of `global-logout users link|unlink`. Without `--yes` they print what they would run, and change nothing. */
import { UsageError } from '../cli/common.ts'
import type { CommandContext } from '../cli/context.ts'
import { print } from '../cli/print.ts'
import type { Database, Executor } from '../database/database.ts'
import { parseDatabaseUrl } from '../database/database-url.ts'
import { sqlState } from '../database/failures.ts'
import { inSchema } from '../database/own-schema.ts'
import { count } from '../ui/format.ts'
import {
  findLink,
  findLinkable,
  type Linkable,
  type LinkOptions,
  linkStatements,
  mirrorStatement,
  unknownUsers,
  unlinkStatements,
} from './link.ts'

/** Limit of the update of the mirror, in milliseconds: it reads the whole table once. */
const MIRROR_MS = 30 * 60_000

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
    const mirrored = mirror === null ? 0 : await updateMirror(database, mirror)
    print(`\n${linkable.table.quoted} is linked. ${count(mirrored, 'user')} of the mirror updated.`)
    const unknown = await database.run((db) => unknownUsers(db, linkable))
    if (unknown > 0)
      print(
        `${count(unknown, 'user')} with sessions ${unknown === 1 ? 'is' : 'are'} not in ${linkable.table.quoted}: deleted before, or this is another table. Their sessions go on.`,
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
async function install(
  database: Database,
  { table: { quoted } }: Linkable,
  statements: string[],
): Promise<void> {
  try {
    await database.transaction(async (tx) => {
      await tx.execute('delete from global_logout.user_link')
      await runAll(tx, statements)
    })
  } catch (error) {
    if (sqlState(error) !== '42501') throw error
    throw new Error(
      `the user of DATABASE_URL may not link ${quoted}: it needs to own the schema of global-logout, and the rights SELECT and TRIGGER on the table. Or run the statements above as a superuser. Nothing was changed.`,
      { cause: error },
    )
  }
}

async function updateMirror(database: Database, statement: string): Promise<number> {
  return database.transaction(async (tx) => {
    await tx.extend(MIRROR_MS)
    const { rowCount } = (await tx.execute(statement)) as { rowCount: number | null }
    return rowCount ?? 0
  })
}
