/** `global-logout roles`: shows what each database role may execute, read and write, as the database reports it. */
import type { CommandContext } from '../cli/context.ts'
import { print, printJson } from '../cli/print.ts'
import { printTable } from '../cli/table.ts'
import { type Rights, ROLES, readRights } from '../database/rights.ts'

/** select, insert, update, delete, truncate, references and trigger. */
const ALL_TABLE_RIGHTS = 7
const HEAD = ['object', ...ROLES]

export interface RolesOptions {
  json?: true
  markdown?: true
}

export async function showRoles(context: CommandContext, { json, markdown }: RolesOptions): Promise<void> {
  const rights = await context.withDatabase(({ run }) => run(readRights))
  if (json) return printJson(rights)
  if (markdown) {
    const dashes = HEAD.map(() => '---')
    for (const row of [HEAD, dashes, ...rowsByObject(rights)]) print(`| ${row.join(' | ')} |`)
    return
  }
  printTable(['object', 'role', 'may'], rowsByRole(rights))
  print(`
The owner may do everything. Columns in parentheses limit a right to them.
Grant a role to a login: "grant global_logout_service to gl_service".`)
}

const formatRights = (may: string[]) => (may.length === ALL_TABLE_RIGHTS ? 'all' : may.join(', ') || '-')

/** A row for each object and each role with a right on it, without the owner: narrow enough for a terminal. */
function rowsByRole(rights: Rights[]): string[][] {
  return rights.flatMap((row) => {
    const object = `${row.kind} ${row.name.replace(/\(.*/, '')}`
    const others = ROLES.filter((role) => role !== 'owner' && row[role].length > 0)
    if (others.length === 0) return [[object, 'owner', 'only the owner']]
    return others.map((role) => [object, role, formatRights(row[role])])
  })
}

/** A row for each object: its name, and for each role "select, update (image)", "all", or a dash. */
export function rowsByObject(rights: Rights[]): string[][] {
  return rights.map((row) => [`${row.kind} ${row.name}`, ...ROLES.map((role) => formatRights(row[role]))])
}
