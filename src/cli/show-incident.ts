/** How the command line shows a plan, and what an incident came to. */
import type { IncidentReport, Plan } from '../security/incidents.ts'
import { describeDevice, deviceName } from '../sessions/devices.ts'
import { instant, print, printTable } from './common.ts'

type Planned = Pick<
  Plan,
  'planId' | 'sessions' | 'users' | 'staffSessions' | 'sample' | 'expiresAt' | 'unknownUsers'
>

export function printPlan({
  planId,
  sessions,
  users,
  staffSessions,
  sample,
  expiresAt,
  unknownUsers,
}: Planned): void {
  print(
    `Plan ${planId}: ${n(sessions)} session(s) of ${n(users)} user(s) would end, ${n(staffSessions)} of them staff's.`,
  )
  if (unknownUsers.length > 0)
    print(
      `Unknown, and left out: ${unknownUsers.slice(0, 10).join(', ')}${unknownUsers.length > 10 ? ` and ${n(unknownUsers.length - 10)} more` : ''}.`,
    )
  if (sample.length > 0) {
    print(`\nThe newest ${sample.length}:`)
    printTable(
      ['session', 'user', 'device', 'address', 'signed in'],
      sample.map(({ sessionId, userId, userAgent, ipAddress, createdAt }) => [
        sessionId,
        userId,
        deviceName(describeDevice(userAgent)),
        ipAddress ?? '-',
        instant(new Date(createdAt)),
      ]),
    )
  }
  print(`\nNothing has ended. Until ${instant(expiresAt)}: global-logout incident execute ${planId}`)
}

export function printIncident(report: IncidentReport): void {
  const { planId, state, reason, selection, planned } = report
  print(`Incident ${planId}: ${state}`)
  print(`why        ${reason}`)
  print(`selection  ${JSON.stringify(selection)}`)
  print(
    `planned    ${instant(report.plannedAt)} by ${report.plannedBy.id ?? '-'}: ${n(planned.sessions)} session(s) of ${n(planned.users)} user(s)`,
  )
  if (state === 'planned')
    print(`Nothing has ended. Until ${instant(report.expiresAt)}: global-logout incident execute ${planId}`)
  else if (state === 'expired') print('The plan has expired, and nothing was ended. Plan again.')
  else printExecution(report)
}

function printExecution({
  startedAt,
  executedBy,
  operationId,
  ended,
  outcome,
  durationMs,
}: IncidentReport): void {
  print(`executed   ${instant(startedAt)} by ${executedBy?.id ?? '-'}, operation ${operationId}`)
  if (!outcome) print(`ended      ${n(ended)} so far`)
  else {
    const { users, staffSessions, endedPlanned, endedLater, goneMeanwhile, stillOpen } = outcome
    const seconds = ((durationMs ?? 0) / 1000).toFixed(1)
    print(
      `ended      ${n(ended)} of ${n(users)} user(s) in ${seconds} s; ${n(staffSessions)} of them staff's`,
    )
    print(
      `           ${n(endedPlanned)} that were planned, ${n(endedLater)} that the plan had not counted; ${n(goneMeanwhile)} planned ones were over by themselves`,
    )
    const open = stillOpen.writing + stillOpen.reading
    if (open > 0)
      print(
        `beware     ${open} transaction(s) from before stayed open (${stillOpen.writing} had written): a sign-in inside one may have escaped. Plan again.`,
      )
  }
}

function n(count: number): string {
  return count.toLocaleString('en')
}
