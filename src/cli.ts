/** The `global-logout` command: parse, call, print. */
import { Command, CommanderError } from 'commander'
import { addAccountCommands } from './cli/accounts.ts'
import { addAuditCommand } from './cli/audit.ts'
import { databaseUrl, explain, Failed, UsageError } from './cli/common.ts'
import { addCompletionCommand } from './cli/completion.ts'
import { addDoctorCommand } from './cli/doctor.ts'
import { addIncidentCommand } from './cli/incident.ts'
import { addKeysCommand } from './cli/keys.ts'
import { ConfigError } from './config.ts'
import { migrate } from './storage/migrate.ts'

const AFTER_HELP = `
Settings come from the environment; the README lists them. The most important:
  DATABASE_URL             postgres://user:password@host:5432/database
  HOST, PORT               where to listen (127.0.0.1, 4000)
  PUBLIC_URL               the https origin that browsers see

Examples
  global-logout start
  DATABASE_URL=postgres://app@db/app PUBLIC_URL=https://id.example.com global-logout start
  DATABASE_URL=postgres://owner@db/app global-logout migrate
  global-logout keys create --name "edge gateway" --scope introspect

Exit codes: 0 done · 1 failed · 2 wrong usage or settings
`

/** Runs a command line. @returns the exit code, or undefined while the server runs on. */
export async function main(
  args: string[],
  env: NodeJS.ProcessEnv,
  version: string,
): Promise<number | undefined> {
  let code: number | undefined = 0
  // Whoever reads from us has had enough ("… | head -1"): no reason to complain.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  const program: Command = new Command('global-logout')
    .description('global-logout: log out everywhere, now')
    .version(version, '-v, --version', 'print the version')
    .helpOption('-h, --help', 'print this text')
    .helpCommand(false)
    .addHelpText('after', AFTER_HELP)
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
    .action(async () => {
      // Loaded for this command alone: the others start in half the time without the server.
      const { start } = await import('./main.ts')
      await start(env)
      code = undefined
    })
  program
    .command('migrate')
    .allowExcessArguments(false)
    .description("bring the database at DATABASE_URL to this version's shape")
    .action(async () => {
      const applied = await migrate(await databaseUrl(env))
      process.stdout.write(
        applied > 0 ? `${applied} migration(s) applied\n` : 'Nothing to do: the database is up to date\n',
      )
    })
  addAccountCommands(program, env)
  addIncidentCommand(program, env)
  addAuditCommand(program, env)
  addKeysCommand(program, env)
  addDoctorCommand(program, env)
  addCompletionCommand(program)

  try {
    await program.parseAsync(args, { from: 'user' })
    return code
  } catch (error) {
    return tell(error)
  }
}

/** Prints what went wrong. @returns the exit code. */
function tell(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0
    const message = error.message.replace(/^error: /, '').replace(/\n/g, ' ')
    const sentence = /[.?]$/.test(message) ? message : `${message}.`
    process.stderr.write(`global-logout: ${sentence} Try "global-logout --help".\n`)
    return 2
  }
  if (error instanceof Failed) return 1
  process.stderr.write(`global-logout: ${explain(error)}\n`)
  return error instanceof ConfigError || error instanceof UsageError ? 2 : 1
}
