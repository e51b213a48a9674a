/** How the account commands print users, sessions and revocations; never a token or its hash. */

import { formatInstant } from '../../cli/common.ts'
import { shortId } from '../../cli/ids.ts'
import { print, visible } from '../../cli/print.ts'
import { printTable } from '../../cli/table.ts'
import { describeDevice, deviceName } from '../../sessions/devices.ts'
import type { PlaceOf } from '../../sessions/places.ts'
import { count } from '../../ui/format.ts'
import type { Account } from './accounts.ts'
import { type FoundUsers, MAX_FOUND } from './find.ts'
import { compareWithSession } from './json.ts'
import { PARTS } from './parts.ts'
import type { FoundUser } from './queries.ts'

/** Revocations and replays that are printed of a user. */
const MAX_PRINTED = 20

/** "Ada Lovelace <ada@example.com>", or what there is of it. */
export function called({ id, name, email }: Pick<FoundUser, 'id' | 'name' | 'email'>): string {
  return visible([name, email && `<${email}>`].filter(Boolean).join(' ') || id)
}

/** @param wide whether to print whole ids. */
export function printAccount(account: Account, placeOf: PlaceOf, wide?: boolean): void {
  const { user, revocations, replays } = account
  print(`${called(user)}${user.deleted ? ' (deleted; lock and role are kept by id)' : ''}`)
  print(`id    ${visible(user.id)}\nrole  ${user.role ?? 'none'}`)
  print(`lock  ${user.lock ? `until ${formatLock(user.lock)}: ${visible(user.lock.reason)}` : 'none'}\n`)
  printSessions(account, placeOf, { wide, whose: 'Active' })
  const listed = revocations.slice(0, MAX_PRINTED)
  print(
    `\nRecently revoked: ${listed.length < revocations.length ? `the newest ${MAX_PRINTED} sessions` : count(listed.length, 'session')}`,
  )
  if (listed.length > 0)
    printTable(
      ['ended', 'session', 'how', 'by', 'device', 'why'],
      listed.map(({ session: revoked, operation }) => [
        formatInstant(revoked.revokedAt),
        shortId(revoked.sessionId, wide),
        [operation?.kind ?? 'outside the service', operation?.scope].filter(Boolean).join(' '),
        operation?.actorId ? shortId(operation.actorId, wide) : '-',
        deviceName(describeDevice(revoked.userAgent)),
        operation?.reason ?? '-',
      ]),
    )
  if (replays.length === 0) return
  print(`\nReused revoked tokens: ${replays.length}`)
  printTable(
    ['at', 'session', 'times', 'address', 'device', 'compared with the session', 'seen by'],
    replays
      .slice(0, MAX_PRINTED)
      .map(({ sessionId, at, count, ipAddress, userAgent, acknowledged, ...same }) => [
        formatInstant(at),
        shortId(sessionId, wide),
        String(count),
        ipAddress ?? '-',
        deviceName(describeDevice(userAgent)),
        compareWithSession(same),
        acknowledged ? (acknowledged.actorId ?? acknowledged.actorKind) : '-',
      ]),
  )
}

export function printSessions(
  { user, sessions, sessionCount }: Pick<Account, 'user' | 'sessions' | 'sessionCount'>,
  placeOf: PlaceOf,
  { whose = called(user), wide }: { whose?: string; wide?: boolean | undefined } = {},
): void {
  print(
    `${whose}: ${count(sessionCount, 'session')}${sessions.length < sessionCount ? `, the last ${sessions.length} used:` : ''}`,
  )
  if (sessions.length === 0) return
  const details = sessions.map((session) => detailsOf(session, placeOf))
  const told = details.some(Boolean)
  printTable(
    ['last seen', 'signed in', 'id', 'address', 'device', ...(told ? ['details'] : [])],
    sessions.map((session, i) => [
      formatInstant(session.lastSeenAt),
      formatInstant(session.createdAt),
      shortId(session.id, wide),
      session.ipAddress ?? '-',
      deviceName(describeDevice(session.userAgent), { version: true }),
      ...(told ? [details[i] || '-'] : []),
    ]),
  )
}

/** What only some sessions have: the name that the user gave the device, the place, and how the user signed in. */
function detailsOf(session: Account['sessions'][number], placeOf: PlaceOf): string {
  const { deviceName: name, signInMethod: method } = session
  const place = placeOf(session)
  const where = [place?.city, place?.country].filter(Boolean).join(', ')
  return [name && `"${name}"`, where, method && `by ${method}`].filter(Boolean).join('; ')
}

/** Search results. @param wide whether to print whole ids. */
export function printUsers({ users, parts }: FoundUsers, wide?: boolean): void {
  if (users.length === 0) print('No user found.')
  else
    printTable(
      ['id', 'name', 'email', 'role', 'lock'],
      users.map((user) => userRow(user, wide)),
    )
  if (users.length === MAX_FOUND) print(`\nThe first ${MAX_FOUND}; give more of the id, email or name.`)
  if (parts !== 'searched') print(`\n${PARTS[parts]}`)
}

function userRow({ id, name, email, role, lock, deleted }: FoundUser, wide?: boolean): string[] {
  return [
    shortId(id, wide),
    deleted ? '(deleted)' : (name ?? '-'),
    email ?? '-',
    role ?? '-',
    lock ? `until ${formatLock(lock)}` : '-',
  ]
}

export function formatLock(lock: { until: Date | null }): string {
  return lock.until ? formatInstant(lock.until) : 'staff unlock it'
}
