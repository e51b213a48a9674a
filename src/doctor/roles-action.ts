/** The work of `global-logout roles`: shows what each database role may execute, read and write, as the database answers. */

import type { CommandContext } from '../cli/context.ts'
import { print, printJson } from '../cli/print.ts'
import { printTable } from '../cli/table.ts'
import { type Rights, ROLES, readRights } from '../database/rights.ts'

/** select, insert, update, delete, truncate, references and trigger. */
const ALL_OF_A_TABLE = 7
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
    for (const row of [HEAD, dashes, ...inWords(rights)]) print(`| ${row.join(' | ')} |`)
    return
  }
  printTable(['object', 'role', 'may'], byRole(rights))
  print(`
The owner may do everything. A right on some columns only names them.
Give a login one role: "grant global_logout_service to gl_service".`)
}

const inWord = (may: string[]) => (may.length === ALL_OF_A_TABLE ? 'all' : may.join(', ') || '-')

/** A row for each object and each role that may do something to it, the owner left out: narrow enough for a terminal. */
function byRole(rights: Rights[]): string[][] {
  return rights.flatMap((row) => {
    const object = `${row.kind} ${row.name.replace(/\(.*/, '')}`
    const others = ROLES.filter((role) => role !== 'owner' && row[role].length > 0)
    if (others.length === 0) return [[object, 'owner', 'alone']]
    return others.map((role) => [object, role, inWord(row[role])])
  })
}

/** A row for each object: what it is, and for each role "select, update (image)", "all", or a dash. */
export function inWords(rights: Rights[]): string[][] {
  return rights.map((row) => [`${row.kind} ${row.name}`, ...ROLES.map((role) => inWord(row[role]))])
}
