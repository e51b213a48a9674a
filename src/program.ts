/**
 * The `global-logout` command: defines the commands, runs one, reports its errors. The code of a command is imported when
 * it runs: help, version and usage errors load no library but commander.
 */
import { Command, CommanderError } from 'commander'
import { addAdoptCommands } from './adopt/cli.ts'
import { Failed, Interrupted, UsageError } from './cli/common.ts'
import { addCompletionCommand } from './cli/completion.ts'
import { printToStderr } from './cli/print.ts'
import { createCommandContext } from './command-context.ts'
import { addDoctorCommand } from './doctor/cli.ts'
import { addRolesCommand } from './doctor/roles-cli.ts'
import { addKeysCommand } from './service-api/cli.ts'
import { addSweepCommand } from './sessions/cli.ts'
import { addAccountCommands } from './staff/accounts/cli.ts'
import { addAuditCommand } from './staff/audit/cli.ts'
import { addIncidentCommand } from './staff/incidents/cli.ts'
import { addPersonalDataCommands } from './staff/personal-data/cli.ts'
import { addReplayCommands } from './staff/replays/cli.ts'

const VERSION = ['-v, --version', 'print the version'] as const

const AFTER_HELP = `
The environment sets the settings; the README lists them all. The most important:
  DATABASE_URL     postgres://user:password@host:5432/database;
                   without it, the demo of this folder
  DATABASE_SCHEMA  schema of the service in that database (global_logout)
  HOST, PORT       address to listen on (127.0.0.1, 4000)
  PUBLIC_URL       origin that browsers use, such as https://id.example.com

Examples
  global-logout start
  DATABASE_URL=postgres://owner@db/app global-logout migrate
  global-logout revoke ada@example.com --reason "phone stolen, ticket 4711"
  global-logout incident plan --ip 203.0.113.0/24 --reason "token store leaked"
  global-logout doctor

Examples of a command: global-logout COMMAND --help`

const EXIT_CODES = `
Exit codes: 0 done · 1 failed, cancelled, or problems found
            2 wrong usage or settings · 130 Ctrl-C · 143 SIGTERM`

/** Runs a command line. @returns the exit code, or undefined while the server keeps running. */
export async function main(
  args: string[],
  env: NodeJS.ProcessEnv,
  version: string,
): Promise<number | undefined> {
  let code: number | undefined = 0
  const program = createProgram(env, version, () => {
    code = undefined
  })
  try {
    await program.parseAsync(args, { from: 'user' })
    return code
  } catch (error) {
    return await reportError(error, helpCommandFor(program, args))
  }
}

/** All commands. @param onServing called when a command returns but its server keeps running. */
export function createProgram(env: NodeJS.ProcessEnv, version: string, onServing: () => void): Command {
  const context = createCommandContext(env)
  const program: Command = new Command('global-logout')
    .description('global-logout: sign users out of every device at once')
    .version(version, ...VERSION)
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .addHelpText('after', AFTER_HELP)
    .addHelpText('afterAll', EXIT_CODES)
    .configureOutput({ outputError: () => {} })
    .exitOverride()
    .action(() => program.error('missing command'))
    .allowExcessArguments(true)
  program.hook('preAction', (_, command) => {
    const [unknown] = command === program ? program.args : []
    if (unknown !== undefined) program.error(`unknown command "${unknown}"`)
  })
  program
    .command('start')
    .allowExcessArguments(false)
    .description('start the service; without DATABASE_URL, with an embedded PostgreSQL and demo users')
    .addHelpText(
      'after',
      '\nExample\n  DATABASE_URL=postgres://app@db/app PUBLIC_URL=https://id.example.com global-logout start',
    )
    .action(async () => {
      const { start } = await import('./main.ts')
      await start(env)
      onServing()
    })
  program
    .command('migrate')
    .allowExcessArguments(false)
    .description('apply database migrations; connect as the owner of the tables')
    .option(
      '--authjs-tables [schema]',
      "create the tables of Auth.js's Drizzle adapter for the application (default schema: public)",
    )
    .addHelpText('after', '\nExample\n  DATABASE_URL=postgres://owner@db/app global-logout migrate')
    .action(async ({ authjsTables: schema }: { authjsTables?: string | true }) => {
      if (schema) {
        const { createAuthjsTables } = await import('./adopt/authjs-tables.ts')
        await createAuthjsTables(context, schema === true ? 'public' : schema)
      }
      await (await import('./cli/migrate-action.ts')).migrateDatabase(context)
    })
  const users = addAccountCommands(program, context)
  addReplayCommands(users, context)
  addPersonalDataCommands(users, context)
  addAdoptCommands(program, context)
  addIncidentCommand(program, context)
  addAuditCommand(program, context)
  addKeysCommand(program, context)
  addDoctorCommand(program, context)
  addSweepCommand(program, context)
  addRolesCommand(program, context)
  addCompletionCommand(program)
  for (const command of commandsBelow(program)) command.version(version, ...VERSION)
  return program
}

/** All subcommands of a command, at every depth. */
export function commandsBelow({ commands }: Command): readonly Command[] {
  return commands.flatMap((command) => [command, ...commandsBelow(command)])
}

/** The full name of a command: `global-logout incident plan`. */
export function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name()
}

/** The command that prints help for a command line: `global-logout keys create --help`. */
function helpCommandFor(program: Command, args: string[]): string {
  let command = program
  for (const arg of args) {
    const child = command.commands.find((each) => each.name() === arg)
    if (!child) break
    command = child
  }
  return `${pathOf(command)} --help`
}

/** Prints the error on standard error. @returns the exit code. */
async function reportError(error: unknown, help: string): Promise<number> {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0
    const message = error.message.replace(/^error: /, '').replace(/\n/g, ' ')
    const sentence = /[.?]$/.test(message) ? message : `${message}.`
    printToStderr(`global-logout: ${sentence} Try "${help}".`)
    return 2
  }
  if (error instanceof Failed) return 1
  if (error instanceof Interrupted) return error.exitCode
  const [{ explain }, { ConfigError }] = await Promise.all([
    import('./cli/explain.ts'),
    import('./config.ts'),
  ])
  printToStderr(`global-logout: ${explain(error)}`)
  return error instanceof ConfigError || error instanceof UsageError ? 2 : 1
}
