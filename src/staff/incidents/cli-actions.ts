/**
 * The actions of `global-logout incident`. `plan` ends nothing; `execute` asks for confirmation and shows the progress. The
 * command needs no running service. After an interruption, the next call continues, or a running service does.
 */
import { SingleBar } from 'cli-progress'
import {
  cliActor,
  confirm,
  Failed,
  formatInstant,
  Interrupted,
  parseOption,
  untilInterrupted,
} from '../../cli/common.ts'
import type { CommandContext } from '../../cli/context.ts'
import { resolveId, shortId } from '../../cli/ids.ts'
import { print, printCsv, printJson, printToStderr } from '../../cli/print.ts'
import { printTable } from '../../cli/table.ts'
import type { Database } from '../../database/database.ts'
import type { Barrier } from '../../leases/barrier.ts'
import { endedCsv } from '../../operations/ended-sessions.ts'
import { describeDevice, deviceName } from '../../sessions/devices.ts'
import type { Places } from '../../sessions/places.ts'
import { lockFor, reason } from '../reason.ts'
import { executeHint, printIncident, printPlan } from './cli-format.ts'
import { type SelectionOptions, selectionOf } from './cli-selection.ts'
import type { Incidents } from './incidents.ts'
import { plannedNumber, plannedTotal } from './planned.ts'
import type { IncidentReport } from './report.ts'
import { carryOut } from './runner.ts'
import { incident } from './schema.ts'
import { toSignedIn } from './signed-in-routes.ts'
import { countUnknown } from './unknown.ts'

export type IncidentsContext = CommandContext<{
  incidents: Incidents
  database: Pick<Database, 'run'>
  pools: { incidents: Database }
  barrier: Barrier
  places: Places
}>

export type PlanOptions = { reason: string; lockFor?: string; json?: true; wide?: true } & SelectionOptions

export type SignedInOptions = { limit?: number; json?: true; wide?: true } & Omit<
  SelectionOptions,
  'limit' | 'json' | 'wide'
>

export interface ExecuteOptions {
  yes?: true
  json?: true
  wide?: true
}

export interface ReportOptions {
  json?: true
  csv?: true
  wide?: true
}

export async function plan(
  context: IncidentsContext,
  { reason: given, lockFor: until, json, wide, ...options }: PlanOptions,
): Promise<void> {
  const why = parseOption('reason', reason, given)
  const lock = until === undefined ? undefined : { seconds: parseOption('lock-for', lockFor, until) }
  const select = await selectionOf(options)
  const plan = await context.withServices(({ incidents }) =>
    incidents.plan(select, why, cliActor(), { lock }),
  )
  const of = (entries: string[]) => ({ count: entries.length, entries })
  const unknown = {
    users: of(plan.unknownUsers),
    emails: of(plan.unknownEmails),
    sessions: of(plan.unknownSessions),
  }
  if (json) printJson(plan)
  else {
    printPlan({ ...plan, lock: lock ?? null, unknown }, wide)
    print(`\n${executeHint(plan, plan.approvalRequired)}`)
  }
  if (countUnknown(unknown) > 0) throw new Failed()
}

export async function signedIn(
  context: IncidentsContext,
  { limit = 100, json, wide, ...options }: SignedInOptions,
): Promise<void> {
  const select = await selectionOf(options as SelectionOptions)
  const [page, placeOf] = await context.withServices(async ({ incidents, places }) => [
    await incidents.signedIn(select, null, limit),
    await places.finder(),
  ])
  if (json) return printJson(toSignedIn(page, placeOf).sessions)
  if (page.sessions.length === 0) return print('No active session matches.')
  printTable(
    ['signed in', 'last seen', 'session', 'user', 'address', 'device'],
    page.sessions.map(({ session, email }) => [
      formatInstant(session.createdAt),
      formatInstant(session.lastSeenAt),
      shortId(session.id, wide),
      email ?? shortId(session.userId, wide),
      session.ipAddress ?? '-',
      deviceName(describeDevice(session.userAgent)),
    ]),
  )
  if (page.next) print('\n--limit shows more.')
}

export async function execute(
  context: IncidentsContext,
  planId: string,
  { yes, json, wide }: ExecuteOptions,
): Promise<void> {
  await context.withServices(async ({ incidents, database, pools, barrier }) => {
    const plan = await incidents.get(await findPlanId(database, planId))
    if (plan.state === 'expired') throw new Error('the plan has expired; no session was ended. Plan again.')
    if (plan.state === 'planned') {
      if (plan.approval.required && !plan.approval.at) throw new Error(executeHint(plan, true))
      if (!yes && !json)
        printPlan({ ...plan, ...plan.planned, unknown: await incidents.unknown(plan.planId) }, wide)
      await confirm(executeQuestion(plan), yes)
    }
    if (plan.state !== 'done') {
      await incidents.execute(plan.planId, cliActor())
      await withBar(plan, (onProgress, signal) =>
        carryOut(pools.incidents, barrier, plan.planId, { onProgress, signal }),
      )
    }
    const report = await incidents.get(plan.planId)
    if (json) printJson(report)
    else printIncident(report)
  })
}

export async function approve(
  context: IncidentsContext,
  planId: string,
  { yes, json, wide }: ExecuteOptions,
): Promise<void> {
  await context.withServices(async ({ incidents, database }) => {
    const plan = await incidents.get(await findPlanId(database, planId))
    if (plan.approval.required && !plan.approval.at) {
      if (!yes && !json)
        printPlan({ ...plan, ...plan.planned, unknown: await incidents.unknown(plan.planId) }, wide)
      await confirm(`Approve that ${plannedTotal(plan.planned)} end?`, yes)
    }
    const report = await incidents.approve(plan.planId, cliActor())
    if (json) printJson(report)
    else printIncident(report)
  })
}

export async function show(
  context: IncidentsContext,
  planId: string,
  { json, csv }: ReportOptions,
): Promise<void> {
  await context.withServices(async ({ incidents, database }) => {
    const report = await incidents.get(await findPlanId(database, planId))
    if (csv) await printCsv(endedCsv(incidents.endedSessions(report)))
    else if (json) printJson(report)
    else printIncident(report)
  })
}

export async function list(context: IncidentsContext, { json, wide }: ReportOptions): Promise<void> {
  const found = await context.withServices(({ incidents }) => incidents.list())
  if (json) return printJson(found)
  if (found.length === 0) return print('No incidents yet.')
  printTable(
    ['planned', 'plan', 'state', 'sessions', 'ended', 'why'],
    found.map(({ planId, state, plannedAt, planned, ended, reason }) => [
      formatInstant(plannedAt),
      shortId(planId, wide),
      state,
      plannedNumber(planned),
      String(ended),
      reason,
    ]),
  )
}

const findPlanId = (database: Pick<Database, 'run'>, text: string) =>
  resolveId(database, incident.id, text, { what: 'a plan', list: 'incident list' })

function executeQuestion({ planned }: IncidentReport): string {
  const { staffSessions } = planned
  const staff = staffSessions > 0 ? `, ${staffSessions.toLocaleString('en')} of them of staff` : ''
  return `End ${plannedTotal(planned)}${staff}? This cannot be undone.`
}

/** Shows a progress bar during `work`. Ctrl-C stops after the current batch, a second one at once. */
async function withBar(
  { planId, planned, ended }: IncidentReport,
  work: (
    onProgress: (progress: { planned: number; ended: number }) => void,
    signal: AbortSignal,
  ) => Promise<boolean>,
): Promise<void> {
  const bar = new SingleBar({
    format: `{bar} ${planned.estimated ? '' : '{percentage}% '}| {value} of ${planned.estimated ? 'about ' : ''}{total} sessions | {duration_formatted}`,
    noTTYOutput: true,
    notTTYSchedule: 5_000,
    clearOnComplete: true,
  })
  bar.start(planned.sessions, ended)
  const onProgress = ({ planned, ended }: { planned: number; ended: number }) => {
    // Sessions that matched only after the plan count as well.
    bar.setTotal(Math.max(planned, ended))
    bar.update(ended)
  }
  const { result: done, by } = await untilInterrupted((signal) => work(onProgress, signal)).finally(() =>
    bar.stop(),
  )
  if (done) return
  printToStderr(
    `Interrupted. A running service continues; otherwise run: global-logout incident execute ${planId}`,
  )
  throw by ? new Interrupted(by) : new Failed()
}
