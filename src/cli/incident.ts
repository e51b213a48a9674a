/**
 * `global-logout incident`: end the sessions of many. Planning ends nothing; executing names a plan, asks, and shows how far it
 * is. The command carries it out by itself, so that no service has to run; killed in the middle, it goes on when it is
 * called again, or at once wherever a service runs.
 */
import { SingleBar } from 'cli-progress'
import { type Command, Option } from 'commander'
import { incidentCsv } from '../security/incident-csv.ts'
import { carryOut } from '../security/incident-runner.ts'
import type { IncidentReport } from '../security/incidents.ts'
import { reason } from '../security/reason.ts'
import { confirm, examples, Failed, instant, operator, UsageError, withServices } from './common.ts'
import { print, printCsv, printJson, tell } from './print.ts'
import { type SelectionOptions, selectionOf, selectionOptions } from './selection-options.ts'
import { counted } from './show.ts'
import { howToExecute, printIncident, printPlan } from './show-incident.ts'
import { option } from './staff.ts'
import { printTable } from './table.ts'

type PlanOptions = { reason: string; json?: true }

const PLAN_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export function addIncidentCommand(program: Command, env: NodeJS.ProcessEnv): void {
  const incident = program
    .command('incident')
    .description('end the sessions of many: plan first, then execute')
  incident.action(() => incident.error('incident: plan, execute, show or list?'))

  const plan = incident.command('plan')
  for (const option of selectionOptions()) plan.addOption(option)
  plan
    .allowExcessArguments(false)
    .description('count what would end, and end nothing; what is given is combined with AND')
    .requiredOption('--reason <text>', 'why; it goes on record (required)')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples(
        'incident plan --ip 203.0.113.0/24 --reason "token store of this office leaked"',
        'incident plan --users stolen.txt --created-before 2026-11-24T03:00:00Z --reason "ticket 4711"',
        'incident plan --everyone --reason "signing key leaked" --json',
      ),
    )
    .addHelpText('after', '\nA plan can be executed for 30 minutes, by whoever has its id.')
    .action(async ({ reason: given, json, ...options }: PlanOptions & SelectionOptions) => {
      const why = option('reason', reason, given)
      const select = await selectionOf(options)
      const plan = await withServices(env, ({ incidents }) => incidents.plan(select, why, operator()))
      if (json) return printJson(plan)
      const { unknownUsers: ids } = plan
      printPlan({ ...plan, unknown: { count: ids.length, ids } })
      print(`\n${howToExecute(plan)}`)
    })

  incident
    .command('execute')
    .allowExcessArguments(false)
    .description('end what a plan names, and whatever matches by now')
    .argument('<plan>', 'id of the plan')
    .option('--yes', 'do not ask')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `${examples('incident execute 0f6e6b78-1c5d-4b7e-9f3a-2d1c0b9a8e7f')}

Interrupted, it goes on when it is called again, or at once where the service runs. Of a finished incident it prints the report.`,
    )
    .action((planId: string, { yes, json }: { yes?: true; json?: true }) =>
      withServices(env, async ({ incidents, pools, barrier }) => {
        const plan = await incidents.get(theId(planId))
        if (plan.state === 'expired')
          throw new Error('the plan has expired, and nothing was ended. Plan again.')
        if (plan.state === 'planned') {
          if (!yes && !json)
            printPlan({ ...plan, ...plan.planned, unknown: await incidents.unknownUsers(plan.planId) })
          await confirm(harm(plan), yes)
        }
        if (plan.state !== 'done') {
          await incidents.execute(plan.planId, operator())
          await withBar(plan, (onProgress, signal) =>
            carryOut(pools.incidents, barrier, plan.planId, { onProgress, signal }),
          )
        }
        const report = await incidents.get(plan.planId)
        if (json) printJson(report)
        else printIncident(report)
      }),
    )

  incident
    .command('show')
    .allowExcessArguments(false)
    .description('how far an incident is, and what it came to')
    .argument('<plan>', 'id of the plan')
    .option('--json', 'print JSON')
    .addOption(new Option('--csv', 'print the sessions it ended as CSV').conflicts('json'))
    .addHelpText(
      'after',
      examples(
        'incident show 0f6e6b78-1c5d-4b7e-9f3a-2d1c0b9a8e7f --json',
        'incident show 0f6e6b78-1c5d-4b7e-9f3a-2d1c0b9a8e7f --csv > ended.csv',
      ),
    )
    .action((planId: string, { json, csv }: { json?: true; csv?: true }) =>
      withServices(env, async ({ incidents }) => {
        const report = await incidents.get(theId(planId))
        if (csv) await printCsv(incidentCsv(incidents.endedSessions(report)))
        else if (json) printJson(report)
        else printIncident(report)
      }),
    )

  incident
    .command('list')
    .allowExcessArguments(false)
    .description('the newest 100 incidents')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('incident list'))
    .action(async ({ json }: { json?: true }) => {
      const found = await withServices(env, ({ incidents }) => incidents.list())
      if (json) return printJson(found)
      if (found.length === 0) return print('No incident was ever planned.')
      printTable(
        ['plan', 'state', 'planned', 'sessions', 'ended', 'why'],
        found.map(({ planId, state, plannedAt, planned, ended, reason }) => [
          planId,
          state,
          instant(plannedAt),
          String(planned.sessions),
          String(ended),
          reason,
        ]),
      )
    })
}

function theId(text: string): string {
  if (PLAN_ID.test(text)) return text.toLowerCase()
  throw new UsageError(`"${text}" is not the id of a plan; see "global-logout incident list".`)
}

function harm({ planned: { sessions, users, staffSessions } }: IncidentReport): string {
  const staff = staffSessions > 0 ? `, ${staffSessions.toLocaleString('en')} of them staff's` : ''
  return `End ${counted(sessions)} of ${counted(users, 'user')}${staff}? It cannot be undone.`
}

/** Shows a bar while `work` goes on. Ctrl-C stops after the batch under way, a second one at once; calling again goes on. */
async function withBar(
  { planId, planned, ended }: IncidentReport,
  work: (
    onProgress: (progress: { planned: number; ended: number }) => void,
    signal: AbortSignal,
  ) => Promise<boolean>,
): Promise<void> {
  const stop = new AbortController()
  const onSignal = () => stop.abort()
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal)
  const bar = new SingleBar({
    format: '{bar} {percentage}% | {value} of {total} sessions | {duration_formatted}',
    noTTYOutput: true,
    notTTYSchedule: 5_000,
    clearOnComplete: true,
  })
  bar.start(planned.sessions, ended)
  const done = await work(({ planned, ended }) => {
    // Sessions that began after the plan count, too.
    bar.setTotal(Math.max(planned, ended))
    bar.update(ended)
  }, stop.signal).finally(() => {
    bar.stop()
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
  })
  if (done) return
  tell(
    `Stopped in the middle. A running service goes on by itself; else: global-logout incident execute ${planId}`,
  )
  throw new Failed()
}
