/** The `global-logout` command: parse, call, print. */
import { parseArgs } from 'node:util'
import { ConfigError, readConfig } from './config.ts'
import { start } from './main.ts'
import { rootCause } from './storage/failures.ts'
import { migrate } from './storage/migrate.ts'

const HELP = `global-logout: log out everywhere, now

Usage
  global-logout start      serve; without DATABASE_URL, with an embedded PostgreSQL and demo users
  global-logout migrate    bring the database at DATABASE_URL to this version's shape, then exit

Options
  -h, --help               this text
  -v, --version            the version

Settings come from the environment; the README lists them. The most important:
  DATABASE_URL             postgres://user:password@host:5432/database
  HOST, PORT               where to listen (127.0.0.1, 4000)
  PUBLIC_URL               the https origin that browsers see

Examples
  global-logout start
  DATABASE_URL=postgres://app@db/app PUBLIC_URL=https://id.example.com global-logout start
  DATABASE_URL=postgres://owner@db/app global-logout migrate

Exit codes: 0 done · 1 failed · 2 wrong usage or settings
`

const COMMANDS: Record<string, (env: NodeJS.ProcessEnv) => Promise<void>> = {
  start,
  async migrate(env) {
    const { databaseUrl } = readConfig(env)
    if (!databaseUrl) throw new ConfigError(['DATABASE_URL: name the database to migrate'])
    const applied = await migrate(databaseUrl)
    process.stdout.write(
      applied > 0 ? `${applied} migration(s) applied\n` : 'Nothing to do: the database is up to date\n',
    )
  },
}

/** Runs a command line. @returns the exit code, or undefined while the server runs on. */
export async function main(
  args: string[],
  env: NodeJS.ProcessEnv,
  version: string,
): Promise<number | undefined> {
  let parsed: ReturnType<typeof parse>
  try {
    parsed = parse(args)
  } catch (error) {
    return usageError((error as Error).message)
  }
  const { values, positionals } = parsed
  if (values.help) return print(HELP)
  if (values.version) return print(`${version}\n`)
  const [name, ...rest] = positionals
  if (!name) return usageError('which command?')
  const command = COMMANDS[name]
  if (!command) return usageError(`there is no command "${name}"`)
  if (rest.length > 0) return usageError(`"${name}" takes no argument, but got "${rest.join(' ')}"`)
  try {
    await command(env)
    return name === 'start' ? undefined : 0
  } catch (error) {
    process.stderr.write(`global-logout: ${explain(error)}\n`)
    return error instanceof ConfigError ? 2 : 1
  }
}

function parse(args: string[]) {
  return parseArgs({
    args,
    allowPositionals: true,
    options: { help: { type: 'boolean', short: 'h' }, version: { type: 'boolean', short: 'v' } },
  })
}

function print(text: string): number {
  process.stdout.write(text)
  return 0
}

function usageError(message: string): number {
  process.stderr.write(`global-logout: ${message}. Try "global-logout --help".\n`)
  return 2
}

/** The error in words, with what to do where that is known. */
function explain(error: unknown): string {
  const { code, message, cause } = rootCause(error) as NodeJS.ErrnoException & {
    cause?: Error & { stderr?: string }
  }
  if (code === 'EADDRINUSE') return 'another program listens on this PORT; stop it or set PORT to a free one.'
  if (code === 'EACCES') return `not allowed: ${message}`
  if (code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return `no database answers at DATABASE_URL (${code}). Is it running?`
  if (code === '28P01' || code === '28000') return `the database refused the user of DATABASE_URL: ${message}`
  if (code === '3D000') return `the database of DATABASE_URL does not exist: ${message}`
  if (/timeout expired/.test(message))
    return 'the database at DATABASE_URL accepts connections but does not answer.'
  const reason = cause?.stderr?.trim() || cause?.message
  return reason ? `${message}\n${reason}` : message
}
