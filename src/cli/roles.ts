/** `global-logout roles`: what each database role may execute, read and write, as the database itself answers. */
import { type Command, Option } from 'commander'
import { type Rights, ROLES, readRights } from '../storage/rights.ts'
import { examples, withDatabase } from './common.ts'
import { print, printJson } from './print.ts'
import { printTable } from './table.ts'

/** select, insert, update, delete, truncate, references and trigger. */
const ALL_OF_A_TABLE = 7
const HEAD = ['object', ...ROLES]

export function addRolesCommand(program: Command, env: NodeJS.ProcessEnv): void {
  program
    .command('roles')
    .allowExcessArguments(false)
    .description(
      'show what owner, service, checker, application and any other login may do to everything of ours',
    )
    .option('--json', 'print JSON')
    .addOption(new Option('--markdown', 'print the table as docs/operations.md has it').conflicts('json'))
    .addHelpText('after', examples('roles', 'roles --json'))
    .addHelpText(
      'after',
      `
service, checker and application are the roles global_logout_service, global_logout_checker and global_logout_application;
stranger is any other login. Tables and functions of an application in schema public that have the same owner are listed, too.`,
    )
    .action(async ({ json, markdown }: { json?: true; markdown?: true }) => {
      const rights = await withDatabase(env, ({ run }) => run(readRights))
      if (json) return printJson(rights)
      const rows = inWords(rights)
      if (markdown) {
        const dashes = HEAD.map(() => '---')
        for (const row of [HEAD, dashes, ...rows]) print(`| ${row.join(' | ')} |`)
        return
      }
      printTable(HEAD, rows)
      print(
        '\nA right on some columns only names them. Give a login one role: "grant global_logout_service to gl_service".',
      )
    })
}

/** A row for each object: what it is, and for each role "select, update (image)", "all", or a dash. */
export function inWords(rights: Rights[]): string[][] {
  const words = (may: string[]) => (may.length === ALL_OF_A_TABLE ? 'all' : may.join(', ') || '-')
  return rights.map((row) => [`${row.kind} ${row.name}`, ...ROLES.map((role) => words(row[role]))])
}
