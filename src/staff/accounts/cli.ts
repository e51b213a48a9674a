/** `global-logout user|sessions|revoke|lock|unlock`: options and help. */
import { Argument, type Command } from 'commander'
import { examples, UsageError, WIDE } from '../../cli/common.ts'
import { wholeNumber } from '../../cli/whole-number.ts'
import { STAFF_ROLES, type StaffRole } from '../role-names.ts'
import type { ActOptions, ListSessionsOptions, RevokeOptions, ShowOptions } from './cli-actions.ts'
import type { AccountsContext } from './cli-find-user.ts'
import type { BulkOptions, ListOptions } from './cli-list-actions.ts'

const WHOM = 'id, email, or a unique beginning of id, email or name; several may be given'
const EXACTLY = 'exact id or email, or the first eight characters of a UUID'
const EXACTLY_WHOM = `${EXACTLY}; several may be given`
const UNKNOWN_ID = 'act on an id that no user has here yet; the id of the application, not an email'
const USERS_FILE = ['--users <file>', 'the users in a file, one id per line; - reads standard input'] as const
const EMAILS_FILE = ['--emails <file>', 'the users with the email addresses in a file, one per line'] as const
/** Loaded when a command runs, to keep help and completion fast. */
const actions = () => import('./cli-actions.ts')
const listActions = () => import('./cli-list-actions.ts')

/** @returns the command `user`, for commands of other modules. */
export function addAccountCommands(program: Command, context: AccountsContext): Command {
  const users = program
    .command('user')
    .description('find users, show them, set their role; acknowledge an alarm; export or erase personal data')
  users.action(() => users.error('user: find, show, role, acknowledge, export or erase?'))

  users
    .command('find')
    .allowExcessArguments(false)
    .description('find users by any part of name or email, or the beginning of the id')
    .argument('<text>', 'case does not matter')
    .option(...WIDE)
    .option('--json', 'print JSON')
    .addHelpText('after', examples('user find ada', 'user find ADA@example.com --json'))
    .action(async (text: string, options: ShowOptions) => (await actions()).findUsers(context, text, options))

  users
    .command('show')
    .allowExcessArguments(false)
    .description('show active sessions, recent revocations, lock and reused tokens of a user')
    .argument('<user...>', WHOM)
    .option(...WIDE)
    .option('--json', 'print JSON')
    .addHelpText('after', examples('user show ada@example.com'))
    .action(async (texts: string[], options: ShowOptions) =>
      (await actions()).showUsers(context, texts, options),
    )

  users
    .command('role')
    .allowExcessArguments(false)
    .description('give a user a staff role: security, auditor (read-only), or none')
    .argument('<user>', EXACTLY)
    .addArgument(new Argument('<role>').choices([...STAFF_ROLES, 'none']))
    .requiredOption('--reason <text>', 'reason for the audit log (required)')
    .option('--yes', 'do not ask')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('user role grace@example.com security --reason "on call from May on"'))
    .addHelpText('after', '\nDATABASE_URL must name the owner of the tables.')
    .action(async (text: string, role: StaffRole | 'none', options: ActOptions) =>
      (await actions()).giveRole(context, text, role, options),
    )

  users
    .command('locked')
    .allowExcessArguments(false)
    .description('list the users whose sign-in is locked, the latest lock first')
    .option('--limit <n>', 'at most this many; by default 100', wholeNumber)
    .option(...WIDE)
    .option('--json', 'print JSON')
    .addHelpText('after', examples('user locked --limit 1000'))
    .action(async (options: ListOptions) => (await listActions()).listLocked(context, options))

  users
    .command('staff')
    .allowExcessArguments(false)
    .description('list the users with a staff role')
    .option(...WIDE)
    .option('--json', 'print JSON')
    .addHelpText('after', examples('user staff'))
    .action(async (options: ListOptions) => (await listActions()).listStaff(context, options))

  users
    .command('note')
    .allowExcessArguments(false)
    .description('write a note on a user, for other staff; it stays in the audit log')
    .argument('<user>', EXACTLY)
    .argument('<text>', 'on one line')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('user note ada@example.com "called back on the known number, it is her"'))
    .action(async (text: string, note: string, options: ListOptions) =>
      (await listActions()).addNote(context, text, note, options),
    )

  program
    .command('find')
    .allowExcessArguments(false)
    .description('find users, a session, an operation: by any part of a name or email, or by id')
    .argument('<text>', 'case does not matter')
    .option(...WIDE)
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples('find lovelace', 'find @example.com', 'find 0f6e6b78-1c5d-4b7e-9f3a-2d1c0b9a8e7f'),
    )
    .action(async (text: string, options: ListOptions) => (await listActions()).find(context, text, options))

  program
    .command('sessions')
    .allowExcessArguments(false)
    .description('list the active sessions of a user, the last seen first')
    .argument('<user...>', WHOM)
    .option('--limit <n>', 'at most this many; by default 200', wholeNumber)
    .option(...WIDE)
    .option('--json', 'print JSON')
    .addHelpText('after', examples('sessions ada@example.com', 'sessions ada --limit 1000 --json'))
    .action(async (texts: string[], options: ListSessionsOptions) =>
      (await actions()).listSessions(context, texts, options),
    )

  program
    .command('revoke')
    .allowExcessArguments(false)
    .description('end all sessions of one or more users, or some sessions, now')
    .argument('[user...]', EXACTLY_WHOM)
    .option('--session <id...>', 'only these sessions, by whole id; the user need not be given')
    .requiredOption('--reason <text>', 'reason for the audit log (required)')
    .option('--allow-unknown-id', UNKNOWN_ID)
    .option('--dry-run', 'show the sessions without ending them')
    .option(...WIDE)
    .option('--yes', 'do not ask')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples(
        'revoke ada@example.com --reason "phone stolen, ticket 4711" --dry-run',
        'revoke ada@example.com --reason "phone stolen, ticket 4711"',
        'revoke ada@example.com bob@example.com --reason "laptops stolen, ticket 4712"',
        'revoke --session 0f6e6b78-1c5d-4b7e-9f3a-2d1c0b9a8e7f --reason "phone stolen, ticket 4711"',
      ),
    )
    .action(async (texts: string[], options: RevokeOptions) => {
      if (options.session)
        return (await import('./cli-revoke-sessions.ts')).revokeSessions(context, texts, options)
      if (texts.length === 0) throw new UsageError('say whose sessions: a user, or --session.')
      return (await actions()).revokeAll(context, texts, options)
    })

  program
    .command('lock')
    .allowExcessArguments(false)
    .description('end all sessions of one or more users, or of a list, and refuse new ones')
    .argument('[user...]', EXACTLY_WHOM)
    .option(...USERS_FILE)
    .option(...EMAILS_FILE)
    .requiredOption('--reason <text>', 'reason for the audit log (required)')
    .option('--for <duration>', '30m, 12h, 90d, or forever: until staff unlock it', 'forever')
    .option('--allow-unknown-id', UNKNOWN_ID)
    .option('--dry-run', 'show the sessions without ending them')
    .option(...WIDE)
    .option('--yes', 'do not ask')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples(
        'lock ada@example.com --for 12h --reason "account taken over"',
        'lock ada@example.com --reason "left the company" --yes',
        'lock --emails leavers.txt --reason "left the company"',
        'lock 4711 --allow-unknown-id --reason "account taken over, has not come since we adopted the service"',
      ),
    )
    .action(async (texts: string[], options: BulkOptions) =>
      texts.length === 0
        ? (await listActions()).lockListed(context, options)
        : (await actions()).lock(context, texts, withoutList(options)),
    )

  program
    .command('unlock')
    .allowExcessArguments(false)
    .description('let locked users, or a list, sign in again')
    .argument('[user...]', EXACTLY_WHOM)
    .option(...USERS_FILE)
    .option(...EMAILS_FILE)
    .option('--reason <text>', 'reason for the audit log')
    .option('--yes', 'do not ask')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('unlock ada@example.com --reason "password changed, ticket 4711"'))
    .action(async (texts: string[], options: Partial<BulkOptions>) =>
      texts.length === 0
        ? (await listActions()).unlockListed(context, options)
        : (await actions()).unlock(context, texts, withoutList(options)),
    )
  return users
}

/** Users and a list at once would say two things. */
function withoutList<Options extends Partial<BulkOptions>>(options: Options): Options {
  if (options.users ?? options.emails) throw new UsageError('name a user, or give --users or --emails.')
  return options
}
