/** `global-logout user|sessions|revoke|lock|unlock`: the options and help of the commands on one user. */
import { Argument, type Command } from 'commander'
import { examples, WIDE } from '../../cli/common.ts'
import { wholeNumber } from '../../cli/whole-number.ts'
import { STAFF_ROLES, type StaffRole } from '../role-names.ts'
import type { ActOptions, ListSessionsOptions, ShowOptions } from './cli-actions.ts'
import type { AccountsContext } from './cli-find-user.ts'

const WHOM = 'id, email, or a unique beginning of id, email or name; several may be given'
const EXACTLY = 'exact id or email, or the first eight characters of a UUID'
const EXACTLY_WHOM = `${EXACTLY}; several may be given`
const UNKNOWN_ID = 'act on an id that no user has here yet; the id of the application, not an email'
/** Loaded when a command runs, to keep help and completion fast. */
const actions = () => import('./cli-actions.ts')

/** @returns the command `user`, for commands of other modules. */
export function addAccountCommands(program: Command, context: AccountsContext): Command {
  const users = program
    .command('user')
    .description('find users, show them, set their role; acknowledge an alarm; export or erase personal data')
  users.action(() => users.error('user: find, show, role, acknowledge, export or erase?'))

  users
    .command('find')
    .allowExcessArguments(false)
    .description('find users by the beginning of their id, email or name')
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
    .description('end all sessions of one or more users, now, on every device')
    .argument('<user...>', EXACTLY_WHOM)
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
      ),
    )
    .action(async (texts: string[], options: ActOptions) =>
      (await actions()).revokeAll(context, texts, options),
    )

  program
    .command('lock')
    .allowExcessArguments(false)
    .description('end all sessions of one or more users and refuse new ones')
    .argument('<user...>', EXACTLY_WHOM)
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
        'lock 4711 --allow-unknown-id --reason "account taken over, has not come since we adopted the service"',
      ),
    )
    .action(async (texts: string[], options: ActOptions) => (await actions()).lock(context, texts, options))

  program
    .command('unlock')
    .allowExcessArguments(false)
    .description('let locked users sign in again')
    .argument('<user...>', EXACTLY_WHOM)
    .option('--reason <text>', 'reason for the audit log')
    .option('--yes', 'do not ask')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('unlock ada@example.com --reason "password changed, ticket 4711"'))
    .action(async (texts: string[], options: Partial<ActOptions>) =>
      (await actions()).unlock(context, texts, options),
    )
  return users
}
