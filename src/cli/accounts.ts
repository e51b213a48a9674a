/** `global-logout user|sessions|revoke|lock|unlock`: one user, for security staff. */
import { Argument, type Command } from 'commander'
import { lockFor, reason } from '../security/reason.ts'
import { STAFF_ROLES, type StaffRole } from '../storage/staff-schema.ts'
import { confirm, operator, print, printJson, printTable } from './common.ts'
import { counted, printAccount, printSessions, publicly, untilWhen, userRow, withoutTokens } from './show.ts'
import { called, option, theUser, withAccounts } from './staff.ts'

interface Act {
  reason: string
  for?: string
  dryRun?: true
  yes?: true
  json?: true
}

const WHOM = 'id, email, or the beginning of id, email or name where only one user has it'

export function addAccountCommands(program: Command, env: NodeJS.ProcessEnv): void {
  const users = program.command('user').description('find users, see them, give them a role')
  users.action(() => users.error('user: find, show or role?'))

  users
    .command('find')
    .allowExcessArguments(false)
    .description('users whose id, email or name begins with a text')
    .argument('<text>')
    .option('--json', 'print JSON')
    .action(async (text: string, { json }: { json?: true }) => {
      const found = await withAccounts(env, (accounts) => accounts.find(text))
      if (json) return printJson(found)
      if (found.length === 0) return print('Nobody.')
      printTable(['id', 'name', 'email', 'role', 'lock'], found.map(userRow))
    })

  users
    .command('show')
    .allowExcessArguments(false)
    .description('living sessions, recent revocations, lock and replayed tokens of a user')
    .argument('<user>', WHOM)
    .option('--json', 'print JSON')
    .action((text: string, { json }: { json?: true }) =>
      withAccounts(env, async (accounts) => {
        const account = await accounts.show((await theUser(accounts, text)).id)
        if (json) printJson(withoutTokens(account))
        else printAccount(account)
      }),
    )

  users
    .command('role')
    .allowExcessArguments(false)
    .description('make a user security staff (security), let them read only (auditor), or neither (none)')
    .argument('<user>', WHOM)
    .addArgument(new Argument('<role>').choices([...STAFF_ROLES, 'none']))
    .requiredOption('--reason <text>', 'why; it goes on record')
    .action((text: string, role: StaffRole | 'none', options: Act) =>
      withAccounts(env, async (accounts) => {
        const why = option('reason', reason, options.reason)
        const user = await theUser(accounts, text)
        const { before } = await accounts.setRole(user.id, role === 'none' ? null : role, why, operator())
        print(`${called(user)}: ${before ?? 'none'} before, ${role} from now on.`)
      }),
    )

  program
    .command('sessions')
    .allowExcessArguments(false)
    .description('the living sessions of a user')
    .argument('<user>', WHOM)
    .option('--json', 'print JSON')
    .action((text: string, { json }: { json?: true }) =>
      withAccounts(env, async (accounts) => {
        const account = await accounts.show((await theUser(accounts, text)).id)
        if (json) printJson(withoutTokens(account).sessions)
        else printSessions(account)
      }),
    )

  program
    .command('revoke')
    .allowExcessArguments(false)
    .description('end all sessions of a user, now, on every device')
    .argument('<user>', WHOM)
    .requiredOption('--reason <text>', 'why; it goes on record')
    .option('--dry-run', 'show what would end, and end nothing')
    .option('--yes', 'do not ask')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nExample\n  global-logout revoke ada@example.com --reason "phone stolen, ticket 4711"',
    )
    .action((text: string, options: Act) => end(text, options, undefined))

  program
    .command('lock')
    .allowExcessArguments(false)
    .description('end all sessions of a user and refuse new ones, whoever signs them in')
    .argument('<user>', WHOM)
    .requiredOption('--reason <text>', 'why; it goes on record')
    .option('--for <duration>', '30m, 12h, 90d, or forever: until somebody lifts it', 'forever')
    .option('--dry-run', 'show what would end, and end nothing')
    .option('--yes', 'do not ask')
    .option('--json', 'print JSON')
    .action((text: string, options: Act) => end(text, options, option('for', lockFor, options.for)))

  program
    .command('unlock')
    .allowExcessArguments(false)
    .description('let a locked user sign in again')
    .argument('<user>', WHOM)
    .option('--reason <text>', 'why; it goes on record')
    .option('--yes', 'do not ask')
    .action((text: string, options: Act) =>
      withAccounts(env, async (accounts) => {
        const why = options.reason === undefined ? null : option('reason', reason, options.reason)
        const user = await theUser(accounts, text)
        if (!user.lock) return print(`${called(user)} is not locked.`)
        const question = `Lift the lock of ${called(user)} ("${user.lock.reason}", until ${untilWhen(user.lock)})?`
        if (!(await confirm(question, options.yes))) return print('Nothing was changed.')
        await accounts.unlock(user.id, why, operator())
        print(`${called(user)} may sign in again.`)
      }),
    )

  /** @param lockSeconds undefined for no lock, null for one until somebody lifts it. */
  function end(text: string, options: Act, lockSeconds: number | null | undefined): Promise<void> {
    const why = option('reason', reason, options.reason)
    return withAccounts(env, async (accounts) => {
      const user = await theUser(accounts, text)
      const account = await accounts.show(user.id)
      if (options.dryRun) {
        if (options.json) return printJson(withoutTokens(account).sessions)
        printSessions(account)
        return print(`\nA dry run: nothing was ended.`)
      }
      const lock =
        lockSeconds === undefined
          ? ''
          : ` and lock sign-in ${options.for === 'forever' ? 'until somebody lifts it' : `for ${options.for}`}`
      const question = `End ${counted(account.sessionCount)} of ${called(user)}${lock}?`
      if (!(await confirm(question, options.yes))) return print('Nothing was changed.')
      const {
        operationId,
        revoked,
        lock: held,
      } = await accounts.revoke(user.id, { reason: why, lockSeconds }, operator())
      if (options.json)
        return printJson({
          operationId,
          revoked: revoked.map(publicly),
          lockedUntil: held && untilWhen(held),
        })
      print(`${counted(revoked.length)} of ${called(user)} ended. Operation ${operationId}.`)
      if (held) print(`Sign-in is locked until ${untilWhen(held)}.`)
    })
  }
}
