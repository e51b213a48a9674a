/** `global-logout audit`: options and help. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { examples, WIDE } from '../../cli/common.ts'
import { wholeNumber } from '../../cli/whole-number.ts'
import { AUDIT_KINDS } from '../../operations/kinds.ts'
import type { AuditContext, ListOptions, ShowOptions, VerifyOptions } from './cli-actions.ts'

/** Rows without `--limit`; CSV has all. */
const MAX_LISTED = 100
/** Loaded when a command runs, to keep help and completion fast. */
const actions = () => import('./cli-actions.ts')

export function addAuditCommand(program: Command, context: AuditContext): void {
  const audit = program
    .command('audit')
    .description('list operations, show one; detect tampering with the audit log')
  audit.action(() => audit.error('audit: list, show or verify?'))

  audit
    .command('list')
    .allowExcessArguments(false)
    .description('operations, newest first; "external" lists sessions ended outside the service')
    .option('--user <id>', 'on this user')
    .option('--actor <id>', 'by this actor')
    .addOption(new Option('--kind <kind>', 'of this kind').choices(AUDIT_KINDS))
    .option('--since <instant>', 'at or after this day (UTC) or instant')
    .option('--until <instant>', 'before it')
    .option('--limit <n>', `at most this many; by default ${MAX_LISTED}, or all as CSV`, wholeNumber)
    .option(...WIDE)
    .option('--json', 'print JSON')
    .addOption(new Option('--csv', 'print CSV').conflicts('json'))
    .addHelpText(
      'after',
      examples(
        'audit list --user demo-ada --since 2026-11-24',
        'audit list --kind user.revoke --since 2026-11-24T03:00:00Z --json',
        'audit list --kind external',
        'audit list --since 2026-11-24 --csv > audit.csv',
      ),
    )
    .action(async (options: ListOptions) => (await actions()).list(context, options, MAX_LISTED))

  audit
    .command('show')
    .allowExcessArguments(false)
    .description('one operation, and the sessions it ended, in that order')
    .argument('<operation>', 'its id, or the beginning that "audit list" prints')
    .option('--limit <n>', `at most this many sessions; by default ${MAX_LISTED}, or all as CSV`, wholeNumber)
    .option(...WIDE)
    .option('--json', 'print JSON')
    .addOption(new Option('--csv', 'print the sessions as CSV').conflicts('json'))
    .addHelpText(
      'after',
      examples('audit show 0198c0de', 'audit show 0198c0de-0000-4000-8000-000000000000 --csv > sessions.csv'),
    )
    .action(async (id: string, options: ShowOptions) =>
      (await actions()).show(context, id, options, MAX_LISTED),
    )

  audit
    .command('verify')
    .allowExcessArguments(false)
    .description('recompute the hash chain over all operations and report mismatches')
    .option(
      '--expect <number:hash>',
      'a chain head stored earlier: also detects removed last operations',
      head,
    )
    .option('--json', 'print JSON')
    .addHelpText('after', examples('audit verify', 'audit verify --expect 812:5f2b…'))
    .addHelpText(
      'after',
      `
Store the printed head where no one with database access can write, and pass it with --expect next time.
Exit code 1 on a mismatch.`,
    )
    .action(async (options: VerifyOptions) => (await actions()).verifyRecord(context, options))
}

function head(text: string): string {
  if (/^\d{1,15}:[0-9a-f]{64}$/i.test(text)) return text
  throw new InvalidArgumentError('Give NUMBER:HASH, as "audit verify" prints it.')
}
