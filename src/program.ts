/**
 * The `global-logout` command: parse, call, print. What a command works with is imported when it runs, so that help and
 * mistakes in usage are answered without a library but commander.
 */
import { Command, CommanderError } from 'commander'
import { Failed, UsageError } from './cli/common.ts'
import { addCompletionCommand } from './cli/completion.ts'
import { tell } from './cli/print.ts'
import { createCommandContext } from './command-context.ts'
import { addDoctorCommand } from './doctor/cli.ts'
import { addRolesCommand } from './doctor/roles-cli.ts'
import { addKeysCommand } from './service-api/cli.ts'
import { addAccountCommands } from './staff/accounts/cli.ts'
import { addAuditCommand } from './staff/audit/cli.ts'
import { addIncidentCommand } from './staff/incidents/cli.ts'

const VERSION = ['-v, --version', 'print the version'] as const

const AFTER_HELP = `
Settings come from the environment; the README lists them. The most important:
  DATABASE_URL             postgres://user:password@host:5432/database; without it, the demo of this folder
  HOST, PORT               where to listen (127.0.0.1, 4000)
  PUBLIC_URL               the https origin that browsers see

Examples
  global-logout start
  DATABASE_URL=postgres://owner@db/app global-logout migrate
  global-logout revoke ada@example.com --reason "phone stolen, ticket 4711"
  global-logout incident plan --ip 203.0.113.0/24 --reason "token store leaked"
  global-logout doctor

Each command has examples of its own: global-logout COMMAND --help.`

const EXIT_CODES = `
Exit codes: 0 done · 1 failed, called off, or something was found · 2 wrong usage or settings`

/** Runs a command line. @returns the exit code, or undefined while the server runs on. */
export async function main(
  args: string[],
  env: NodeJS.ProcessEnv,
  version: string,
): Promise<number | undefined> {
  let code: number | undefined = 0
  // Whoever reads from us has had enough ("… | head -1"): no reason to complain.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  const program = createProgram(env, version, () => {
    code = undefined
  })
  try {
    await program.parseAsync(args, { from: 'user' })
    return code
  } catch (error) {
    return await failed(error, helpOn(program, args))
  }
}

/** All commands. @param onServing is told when one goes on after it has returned. */
export function createProgram(env: NodeJS.ProcessEnv, version: string, onServing: () => void): Command {
  const context = createCommandContext(env)
  const program: Command = new Command('global-logout')
    .description('global-logout: log out everywhere, now')
    .version(version, ...VERSION)
    .helpOption('-h, --help', 'print this text')
    .helpCommand(false)
    .addHelpText('after', AFTER_HELP)
    .addHelpText('afterAll', EXIT_CODES)
    .configureOutput({ outputError: () => {} })
    .exitOverride()
    .action(() => program.error('which command?'))
    .allowExcessArguments(true)
  program.hook('preAction', (_, command) => {
    const [unknown] = command === program ? program.args : []
    if (unknown !== undefined) program.error(`there is no command "${unknown}"`)
  })
  program
    .command('start')
    .allowExcessArguments(false)
    .description('serve; without DATABASE_URL, with an embedded PostgreSQL and demo users')
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
    .description("bring the database at DATABASE_URL to this version's shape, as the owner of its tables")
    .addHelpText('after', '\nExample\n  DATABASE_URL=postgres://owner@db/app global-logout migrate')
    .action(async () => (await import('./cli/migrate-action.ts')).migrateDatabase(context))
  addAccountCommands(program, context)
  addIncidentCommand(program, context)
  addAuditCommand(program, context)
  addKeysCommand(program, context)
  addDoctorCommand(program, context)
  addRolesCommand(program, context)
  addCompletionCommand(program)
  for (const command of commandsBelow(program)) command.version(version, ...VERSION)
  return program
}

/** Every command below this one, and theirs. */
export function commandsBelow({ commands }: Command): readonly Command[] {
  return commands.flatMap((command) => [command, ...commandsBelow(command)])
}

/** As it is typed: `global-logout incident plan`. */
export function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name()
}

/** The command that a command line means, as far as there is one, to be asked for help. */
function helpOn(program: Command, args: string[]): string {
  let command = program
  for (const arg of args) {
    const child = command.commands.find((each) => each.name() === arg)
    if (!child) break
    command = child
  }
  return `${pathOf(command)} --help`
}

/** Tells what went wrong. @returns the exit code. */
async function failed(error: unknown, help: string): Promise<number> {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0
    const message = error.message.replace(/^error: /, '').replace(/\n/g, ' ')
    const sentence = /[.?]$/.test(message) ? message : `${message}.`
    tell(`global-logout: ${sentence} Try "${help}".`)
    return 2
  }
  if (error instanceof Failed) return 1
  const [{ explain }, { ConfigError }] = await Promise.all([
    import('./cli/explain.ts'),
    import('./config.ts'),
  ])
  tell(`global-logout: ${explain(error)}`)
  return error instanceof ConfigError || error instanceof UsageError ? 2 : 1
}
