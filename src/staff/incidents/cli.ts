/** `global-logout incident`: options and help. */
import { type Command, Option } from 'commander'
import { examples, WIDE } from '../../cli/common.ts'
import { wholeNumber } from '../../cli/whole-number.ts'
import type {
  ExecuteOptions,
  IncidentsContext,
  PlanOptions,
  ReportOptions,
  SignedInOptions,
} from './cli-actions.ts'
import { selectionOptions } from './cli-selection.ts'

/** Loaded when a command runs, to keep help and completion fast. */
const actions = () => import('./cli-actions.ts')

export function addIncidentCommand(program: Command, context: IncidentsContext): void {
  const incident = program.command('incident').description('end many sessions at once: plan, then execute')
  incident.action(() => incident.error('incident: plan, sessions, approve, execute, show or list?'))

  const plan = incident.command('plan')
  for (const option of selectionOptions()) plan.addOption(option)
  plan
    .allowExcessArguments(false)
    .description('count the matching sessions without ending any; options are combined with AND')
    .requiredOption('--reason <text>', 'reason for the audit log (required)')
    .option(...WIDE)
    .option('--lock-for <duration>', 'lock sign-in of the users as it executes: 30m, 12h, 90d or forever')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples(
        'incident plan --ip 203.0.113.0/24 --reason "token store of this office leaked"',
        'incident plan --users stolen.txt --created-before 2026-11-24T03:00:00Z --reason "ticket 4711"',
        'incident plan --emails breached.txt --lock-for 12h --reason "passwords in a breach, ticket 4712"',
        'incident plan --everyone --reason "signing key leaked" --json',
      ),
    )
    .addHelpText(
      'after',
      '\nA plan expires after 30 minutes. Any operator can execute it by its id. Exit code 1 where entries of a list fit nothing here.',
    )
    .action(async (options: PlanOptions) => (await actions()).plan(context, options))

  const sessions = incident.command('sessions')
  for (const option of selectionOptions()) sessions.addOption(option)
  sessions
    .allowExcessArguments(false)
    .description('list who is signed in, the latest sign-in first, without a plan')
    .option('--limit <n>', 'at most this many; by default 100', wholeNumber)
    .option(...WIDE)
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples(
        'incident sessions --ip 203.0.113.0/24',
        'incident sessions --user-agent "python" --limit 1000 --json',
      ),
    )
    .action(async (options: SignedInOptions) => (await actions()).signedIn(context, options))

  incident
    .command('execute')
    .allowExcessArguments(false)
    .description('execute a plan (also ends sessions that match since)')
    .argument('<plan>', 'its id, or the beginning that "incident list" prints')
    .option('--yes', 'do not ask')
    .option(...WIDE)
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `${examples('incident execute 0f6e6b78')}

After an interruption, call it again to continue; a running service continues by itself. For a finished incident it prints the report.`,
    )
    .action(async (id: string, options: ExecuteOptions) => (await actions()).execute(context, id, options))

  incident
    .command('approve')
    .allowExcessArguments(false)
    .description('approve the plan of another person, where INCIDENT_APPROVAL_ABOVE asks for it')
    .argument('<plan>', 'id of the plan')
    .option(...WIDE)
    .option('--yes', 'do not ask')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('incident approve 0f6e6b78-1c5d-4b7e-9f3a-2d1c0b9a8e7f'))
    .action(async (id: string, options: ExecuteOptions) => (await actions()).approve(context, id, options))

  incident
    .command('show')
    .allowExcessArguments(false)
    .description('show the progress or the result of an incident')
    .argument('<plan>', 'its id, or the beginning that "incident list" prints')
    .option('--json', 'print JSON')
    .addOption(new Option('--csv', 'print the sessions it ended as CSV').conflicts('json'))
    .addHelpText(
      'after',
      examples('incident show 0f6e6b78 --json', 'incident show 0f6e6b78 --csv > ended.csv'),
    )
    .action(async (id: string, options: ReportOptions) => (await actions()).show(context, id, options))

  incident
    .command('list')
    .allowExcessArguments(false)
    .description('list the newest 100 incidents')
    .option(...WIDE)
    .option('--json', 'print JSON')
    .addHelpText('after', examples('incident list'))
    .action(async (options: ReportOptions) => (await actions()).list(context, options))
}
