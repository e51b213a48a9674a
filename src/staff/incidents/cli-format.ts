/** Prints a plan, and the progress or report of an incident. */

import { formatInstant } from '../../cli/common.ts'
import { shortId } from '../../cli/ids.ts'
import { print, visible } from '../../cli/print.ts'
import { printTable } from '../../cli/table.ts'
import { describeDevice, deviceName } from '../../sessions/devices.ts'
import { count } from '../../ui/format.ts'
import type { Plan } from './incidents.ts'
import type { IncidentLock } from './locking.ts'
import { ESTIMATED, lockedUsers, lockSpan, plannedTotal } from './planned.ts'
import type { IncidentReport } from './report.ts'
import type { Breakdown } from './schema.ts'
import { isForEveryone } from './selector-values.ts'
import type { Unknown, UnknownEntries } from './unknown.ts'

/** Unknown entries of a list that are printed at most. */
const MAX_UNKNOWN = 10

type Planned = Pick<
  Plan,
  'planId' | 'sessions' | 'users' | 'staffSessions' | 'estimated' | 'sample' | 'usersToLock' | 'breakdown'
> & {
  lock: IncidentLock | null
  unknown: UnknownEntries
}

/** @param wide whether to print whole ids. */
export function printPlan(
  { planId, sample, unknown, lock, usersToLock, breakdown, ...counted }: Planned,
  wide?: boolean,
): void {
  const { staffSessions, estimated } = counted
  print(
    `Plan ${planId}: ${plannedTotal(counted)} would end, ${n(staffSessions)} of them of staff.${estimated ? ` ${ESTIMATED}` : ''}`,
  )
  if (lock) print(`Sign-in of ${lockedUsers(usersToLock)} would be locked ${lockSpan(lock)}.`)
  printUnknown(
    'Ids that no user has here',
    unknown.users,
    'Executed, the plan refuses their sessions from before.',
  )
  printUnknown('Addresses that no user has here', unknown.emails)
  printUnknown('Ids of no active session', unknown.sessions, 'They have ended before, or never were here.')
  if (breakdown) {
    printFrequent('address', breakdown.addresses)
    printFrequent('user agent', breakdown.userAgents)
    printFrequent('country', breakdown.countries)
  }
  if (sample.length > 0) {
    print(estimated ? `\nSome of them:` : `\nThe newest ${sample.length}:`)
    printTable(
      ['signed in', 'session', 'user', 'address', 'device'],
      sample.map(({ sessionId, userId, userAgent, ipAddress, createdAt }) => [
        formatInstant(new Date(createdAt)),
        shortId(sessionId, wide),
        shortId(userId, wide),
        ipAddress ?? '-',
        deviceName(describeDevice(userAgent)),
      ]),
    )
  }
}

function printFrequent(what: string, frequent: Breakdown['addresses']): void {
  if (frequent.length === 0) return
  print('')
  printTable(
    ['sessions', what],
    frequent.map(({ value, sessions }) => [n(sessions), value ?? 'unknown']),
  )
}

function printUnknown(what: string, { count: all, entries }: Unknown, then = ''): void {
  if (all === 0) return
  const shown = entries.slice(0, MAX_UNKNOWN)
  const more = all - shown.length
  print(`${what}: ${visible(shown.join(', '))}${more > 0 ? ` and ${n(more)} more` : ''}. ${then}`.trim())
}

export function executeHint(
  { planId, expiresAt }: Pick<Plan, 'planId' | 'expiresAt'>,
  approvalRequired = false,
): string {
  if (approvalRequired)
    return `No session has ended yet. Another person has to approve the plan before ${formatInstant(expiresAt)}: global-logout incident approve ${planId}`
  return `No session has ended yet. To execute before ${formatInstant(expiresAt)}: global-logout incident execute ${planId}`
}

export function printIncident(report: IncidentReport): void {
  const { planId, state, reason, selection, planned } = report
  print(`Incident ${planId}: ${state}`)
  print(`why        ${visible(reason)}`)
  print(`selection  ${JSON.stringify(selection)}`)
  print(
    `planned    ${formatInstant(report.plannedAt)} by ${visible(report.plannedBy.id ?? '-')}: ${plannedTotal(planned)}`,
  )
  if (report.lock)
    print(
      `locks      ${lockedUsers(report.usersToLock)} ${lockSpan(report.lock)}; ${n(report.locked)} so far`,
    )
  const { required, by, at } = report.approval
  if (by) print(`approved   ${formatInstant(at)} by ${visible(by.id ?? '-')}`)
  if (state === 'planned') print(executeHint(report, required && !at))
  else if (state === 'expired') print('The plan has expired; no session was ended. Plan again.')
  else printExecution(report)
}

function printExecution({
  startedAt,
  executedBy,
  operationId,
  ended,
  outcome,
  durationMs,
  selection,
}: IncidentReport): void {
  print(
    `executed   ${formatInstant(startedAt)} by ${visible(executedBy?.id ?? '-')}, operation ${operationId}`,
  )
  if (!outcome)
    print(
      isForEveryone(selection)
        ? `ended      all, when it began; ${n(ended)} are recorded so far`
        : `ended      ${n(ended)} so far`,
    )
  else {
    const { users, staffSessions, endedPlanned, endedLater, goneMeanwhile, stillOpen } = outcome
    const seconds = ((durationMs ?? 0) / 1000).toFixed(1)
    print(
      `ended      ${count(ended, 'session')} of ${count(users, 'user')} in ${seconds} s; ${n(staffSessions)} of them staff's`,
    )
    if (endedPlanned !== null)
      print(
        `           ${n(endedPlanned)} planned, ${n(endedLater ?? 0)} new matches after planning; ${n(goneMeanwhile ?? 0)} planned ones had already ended or expired`,
      )
    const open = stillOpen.writing + stillOpen.reading
    if (open > 0)
      print(
        `warning    ${count(open, 'transaction')} from before the incident still open (${stillOpen.writing} with writes): a sign-in inside may have escaped. Plan again.`,
      )
  }
}

function n(count: number): string {
  return count.toLocaleString('en')
}
