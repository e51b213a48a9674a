/** `global-logout user|sessions|revoke|lock|unlock`: one user, for security staff. */
import { Argument, type Command } from 'commander'
import { STAFF_ROLES, type StaffRole } from '../operations/grants.ts'
import { MAX_FOUND } from '../security/accounts.ts'
import { lockFor, reason } from '../security/reason.ts'
import { toAccount, toRevoked, toUser } from '../security/shown.ts'
import { confirm, examples, operator } from './common.ts'
import { print, printJson } from './print.ts'
import { called, counted, printAccount, printSessions, untilWhen, userRow } from './show.ts'
import { exactlyTheUser, option, theUser, withAccounts } from './staff.ts'
import { printTable } from './table.ts'

interface Act {
  reason: string
  for?: string
  dryRun?: true
  yes?: true
  json?: true
}

const WHOM = 'id, email, or the beginning of id, email or name where only one user has it'
const EXACTLY_WHOM = 'id or email, exactly'

export function addAccountCommands(program: Command, env: NodeJS.ProcessEnv): void {
  const users = program.command('user').description('find users, see them, give them a role')
  users.action(() => users.error('user: find, show or role?'))

  users
    .command('find')
    .allowExcessArguments(false)
    .description('users whose id, email or name begins with a text')
    .argument('<text>', 'in upper or lower case')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('user find ada', 'user find ADA@example.com --json'))
    .action(async (text: string, { json }: { json?: true }) => {
      const found = await withAccounts(env, (accounts) => accounts.find(text))
      if (json) return printJson(found.map(toUser))
      if (found.length === 0) return print('Nobody.')
      printTable(['id', 'name', 'email', 'role', 'lock'], found.map(userRow))
      if (found.length === MAX_FOUND) print(`\nThe first ${MAX_FOUND}; give more of the id, email or name.`)
    })

  users
    .command('show')
    .allowExcessArguments(false)
    .description('living sessions, recent revocations, lock and replayed tokens of a user')
    .argument('<user>', WHOM)
    .option('--json', 'print JSON')
    .addHelpText('after', examples('user show ada@example.com'))
    .action((text: string, { json }: { json?: true }) =>
      withAccounts(env, async (accounts) => {
        const account = await accounts.show((await theUser(accounts, text)).id)
        if (json) printJson(toAccount(account))
        else printAccount(account)
      }),
    )

  users
    .command('role')
    .allowExcessArguments(false)
    .description('make a user security staff (security), let them read only (auditor), or neither (none)')
    .argument('<user>', EXACTLY_WHOM)
    .addArgument(new Argument('<role>').choices([...STAFF_ROLES, 'none']))
    .requiredOption('--reason <text>', 'why; it goes on record (required)')
    .option('--yes', 'do not ask')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('user role grace@example.com security --reason "on call from May on"'))
    .addHelpText('after', '\nTakes the owner of the tables as the user of DATABASE_URL.')
    .action((text: string, role: StaffRole | 'none', options: Act) =>
      withAccounts(env, async (accounts) => {
        const why = option('reason', reason, options.reason)
        const user = await exactlyTheUser(accounts, text)
        await confirm(
          `Role of ${called(user)}, ${user.id}: ${user.role ?? 'none'} so far, ${role} from now on?`,
          options.yes,
        )
        const done = await accounts.setRole(user.id, role === 'none' ? null : role, why, operator())
        if (options.json) return printJson({ ...done, role: role === 'none' ? null : role })
        print(`${called(user)}: ${done.before ?? 'none'} before, ${role} from now on.`)
      }),
    )

  program
    .command('sessions')
    .allowExcessArguments(false)
    .description('the living sessions of a user')
    .argument('<user>', WHOM)
    .option('--json', 'print JSON')
    .addHelpText('after', examples('sessions ada@example.com', 'sessions ada --json'))
    .action((text: string, { json }: { json?: true }) =>
      withAccounts(env, async (accounts) => {
        const account = await accounts.show((await theUser(accounts, text)).id)
        if (json) printJson(toAccount(account).sessions)
        else printSessions(account)
      }),
    )

  program
    .command('revoke')
    .allowExcessArguments(false)
    .description('end all sessions of a user, now, on every device')
    .argument('<user>', EXACTLY_WHOM)
    .requiredOption('--reason <text>', 'why; it goes on record (required)')
    .option('--dry-run', 'show what would end, and end nothing')
    .option('--yes', 'do not ask')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples(
        'revoke ada@example.com --reason "phone stolen, ticket 4711" --dry-run',
        'revoke ada@example.com --reason "phone stolen, ticket 4711"',
      ),
    )
    .action((text: string, options: Act) => end(text, options, undefined))

  program
    .command('lock')
    .allowExcessArguments(false)
    .description('end all sessions of a user and refuse new ones, whoever signs them in')
    .argument('<user>', EXACTLY_WHOM)
    .requiredOption('--reason <text>', 'why; it goes on record (required)')
    .option('--for <duration>', '30m, 12h, 90d, or forever: until somebody lifts it', 'forever')
    .option('--dry-run', 'show what would end, and end nothing')
    .option('--yes', 'do not ask')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples(
        'lock ada@example.com --for 12h --reason "account taken over"',
        'lock ada@example.com --reason "left the company" --yes',
      ),
    )
    .action((text: string, options: Act) => end(text, options, option('for', lockFor, options.for)))

  program
    .command('unlock')
    .allowExcessArguments(false)
    .description('let a locked user sign in again')
    .argument('<user>', EXACTLY_WHOM)
    .option('--reason <text>', 'why; it goes on record')
    .option('--yes', 'do not ask')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('unlock ada@example.com --reason "password changed, ticket 4711"'))
    .action((text: string, options: Act) =>
      withAccounts(env, async (accounts) => {
        const why = options.reason === undefined ? null : option('reason', reason, options.reason)
        const user = await exactlyTheUser(accounts, text)
        if (user.lock)
          await confirm(
            `Lift the lock of ${called(user)} ("${user.lock.reason}", until ${untilWhen(user.lock)})?`,
            options.yes,
          )
        const done = await accounts.unlock(user.id, why, operator())
        if (options.json) printJson(done)
        else print(`${called(user)} ${done.operationId ? 'may sign in again' : 'is not locked'}.`)
      }),
    )

  /** @param lockSeconds undefined for no lock, null for one until somebody lifts it. */
  function end(text: string, options: Act, lockSeconds: number | null | undefined): Promise<void> {
    const why = option('reason', reason, options.reason)
    return withAccounts(env, async (accounts) => {
      const user = await exactlyTheUser(accounts, text)
      const account = await accounts.show(user.id)
      const lock =
        lockSeconds === undefined
          ? ''
          : ` and lock sign-in ${lockSeconds === null ? 'until somebody lifts it' : `for ${options.for}`}`
      if (options.dryRun) {
        const { sessions, sessionCount } = toAccount(account)
        if (options.json) return printJson({ dryRun: true, userId: user.id, sessionCount, sessions })
        printSessions(account)
        return print(`\nA dry run: nothing was changed. Without --dry-run it would end all of them${lock}.`)
      }
      await confirm(`End ${counted(account.sessionCount)} of ${called(user)}${lock}?`, options.yes)
      const done = await accounts.revoke(user.id, { reason: why, lockSeconds }, operator())
      if (options.json) return printJson(toRevoked(done))
      const { operationId, revoked, lock: held } = done
      print(`${counted(revoked.length)} of ${called(user)} ended. Operation ${operationId}.`)
      if (held) print(`Sign-in is locked until ${untilWhen(held)}.`)
    })
  }
}
