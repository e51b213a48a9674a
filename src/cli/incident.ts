/**
 * `global-logout incident`: end the sessions of many. Planning ends nothing; executing names a plan, asks, and shows how far it
 * is. The command carries it out by itself, so that no service has to run; killed in the middle, it goes on when it is
 * called again, or at once wherever a service runs.
 */
import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { SingleBar } from 'cli-progress'
import type { Command } from 'commander'
import { createBarrier } from '../propagation/barrier.ts'
import { carryOut } from '../security/incident-runner.ts'
import { createIncidents, type IncidentReport, type Incidents } from '../security/incidents.ts'
import { reason } from '../security/reason.ts'
import { selection } from '../security/selection.ts'
import type { Database } from '../storage/database.ts'
import { barrierStore } from '../storage/instances.ts'
import {
  confirm,
  Failed,
  instant,
  operator,
  print,
  printJson,
  printTable,
  UsageError,
  withDatabase,
} from './common.ts'
import { printIncident, printPlan } from './show-incident.ts'
import { option } from './staff.ts'

interface PlanOptions {
  user?: string[]
  users?: string
  ip?: string
  createdBefore?: string
  createdAfter?: string
  userAgent?: string
  everyone?: true
  reason: string
  json?: true
}

const PLAN_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export function addIncidentCommand(program: Command, env: NodeJS.ProcessEnv): void {
  const incident = program
    .command('incident')
    .description('end the sessions of many: plan first, then execute')
  incident.action(() => incident.error('incident: plan, execute, show or list?'))

  incident
    .command('plan')
    .allowExcessArguments(false)
    .description('count what would end, and end nothing; what is given is combined with AND')
    .option('--user <id...>', 'of these users')
    .option('--users <file>', 'of the users in a file, one id a line; - reads standard input')
    .option('--ip <range>', 'from an address or a range: 203.0.113.0/24, 2001:db8::/32')
    .option('--created-before <instant>', 'signed in before: 2026-11-24T03:00:00Z')
    .option('--created-after <instant>', 'signed in after')
    .option('--user-agent <text>', 'whose user agent holds this text')
    .option('--everyone', 'everyone')
    .requiredOption('--reason <text>', 'why; it goes on record')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples
  global-logout incident plan --ip 203.0.113.0/24 --reason "token store of this office leaked"
  global-logout incident plan --users stolen.txt --created-before 2026-11-24T03:00:00Z --reason "ticket 4711"`,
    )
    .action(async (options: PlanOptions) => {
      const why = option('reason', reason, options.reason)
      const select = await selectionOf(options)
      const plan = await withIncidents(env, (incidents) => incidents.plan(select, why, operator()))
      if (options.json) printJson(plan)
      else printPlan(plan)
    })

  incident
    .command('execute')
    .allowExcessArguments(false)
    .description('end what a plan names, and whatever matches by now')
    .argument('<plan>', 'id of the plan')
    .option('--yes', 'do not ask')
    .option('--json', 'print JSON')
    .action((planId: string, { yes, json }: { yes?: true; json?: true }) =>
      withIncidents(env, async (incidents, database) => {
        const plan = await incidents.get(theId(planId))
        if (plan.state !== 'done') {
          if (!(await mayGoOn(plan, yes))) return print('Nothing was ended.')
          await incidents.execute(plan.planId, operator())
          await withBar(plan, (onProgress, signal) =>
            carryOut(database, createBarrier(barrierStore(database.run)), plan.planId, {
              onProgress,
              signal,
            }),
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
    .action(async (planId: string, { json }: { json?: true }) => {
      const report = await withIncidents(env, (incidents) => incidents.get(theId(planId)))
      if (json) printJson(report)
      else printIncident(report)
    })

  incident
    .command('list')
    .allowExcessArguments(false)
    .description('incidents, newest first')
    .option('--json', 'print JSON')
    .action(async ({ json }: { json?: true }) => {
      const found = await withIncidents(env, (incidents) => incidents.list())
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

function withIncidents<T>(
  env: NodeJS.ProcessEnv,
  work: (incidents: Incidents, database: Database) => Promise<T>,
): Promise<T> {
  return withDatabase(env, (database) => work(createIncidents(database), database))
}

/** @throws UsageError naming the option that is wrong. */
async function selectionOf({
  user,
  users,
  ip,
  createdBefore,
  createdAfter,
  userAgent,
  everyone,
}: PlanOptions) {
  const userIds = [...(user ?? []), ...(users === undefined ? [] : await readUsers(users))]
  const parts = {
    userIds: user || users ? userIds : undefined,
    ipRange: ip,
    createdBefore,
    createdAfter,
    userAgent,
    everyone,
  }
  const given = Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined))
  const parsed = selection.safeParse(given)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const name = OPTIONS[String(issue?.path[0])]
  throw new UsageError(
    name
      ? `${name}: ${issue?.message}.`
      : 'say whose sessions: --user, --users, --ip, --created-before, --created-after, --user-agent or --everyone.',
  )
}

const OPTIONS: Record<string, string> = {
  userIds: '--users',
  ipRange: '--ip',
  createdBefore: '--created-before',
  createdAfter: '--created-after',
  userAgent: '--user-agent',
  everyone: '--everyone',
}

async function readUsers(file: string): Promise<string[]> {
  const all = file === '-' ? await text(process.stdin) : await readFile(file, 'utf8')
  return all
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter(Boolean)
}

function theId(text: string): string {
  if (PLAN_ID.test(text)) return text.toLowerCase()
  throw new UsageError(`"${text}" is not the id of a plan; see "global-logout incident list".`)
}

async function mayGoOn(plan: IncidentReport, yes: true | undefined): Promise<boolean> {
  if (plan.state === 'running') return true
  printPlan({ ...plan, ...plan.planned, unknownUsers: [] })
  return confirm('End them all? It cannot be undone.', yes)
}

/** Shows a bar while `work` goes on. Ctrl-C stops after the batch under way; what is left is done by calling again. */
async function withBar(
  { planned, ended }: IncidentReport,
  work: (
    onProgress: (progress: { planned: number; ended: number }) => void,
    signal: AbortSignal,
  ) => Promise<boolean>,
): Promise<void> {
  const stop = new AbortController()
  const onSignal = () => stop.abort()
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
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
  process.stderr.write(
    'Stopped in the middle: call it again to go on. A running service goes on by itself.\n',
  )
  throw new Failed()
}
