/** Sessions and devices in API answers: their schemas and their JSON, shared by all routes and by the command line. */
import { z } from 'zod'
import { callers } from '../http/openapi/document.ts'
import { instant, nullableText } from '../http/schemas.ts'
import { DEVICE_KINDS, describeDevice } from './devices.ts'
import type { PlaceOf } from './places.ts'
import type { Ended } from './revoke.ts'
import type { Session } from './schema.ts'

/** What routes for signed-in users say of themselves. */
export const forUsers = {
  tags: ['users'],
  security: callers.user,
  problems: ['unauthenticated', 'invalid_token', 'unavailable'],
} as const
/** The same of those that show other sessions of the user. */
export const forOwnDevices = {
  ...forUsers,
  problems: [...forUsers.problems, 'insufficient_user_authentication'],
} as const
/** The same of those that change something. */
export const forChanges = {
  ...forUsers,
  problems: [...forOwnDevices.problems, 'cross_origin', 'outcome_unknown'],
} as const

/** What the user agent reveals; `browser` may be any program. */
export const device = z.object({
  browser: nullableText,
  version: nullableText.describe('the main version of the browser, as at the sign-in'),
  os: nullableText,
  kind: z.enum(DEVICE_KINDS).describe('`app`: a program that does not name its device'),
})

const name = nullableText.describe('the name that the user gave the device')

/** Where a session is from. */
const place = z
  .object({ country: nullableText.describe('ISO 3166-1 alpha-2'), city: nullableText.describe('in English') })
  .nullable()
  .describe('of the sign-in; null where no place is known')

/** With what and when a session was used, as it is recorded. */
export const recordedSession = {
  name,
  device,
  userAgent: nullableText,
  ipAddress: nullableText,
  createdAt: instant,
  lastSeenAt: instant,
}

/** The same with the place of the address, active or ended. */
export const usedSession = { ...recordedSession, place }

/** An active session. */
export const activeSession = {
  id: z.string(),
  ...usedSession,
  signInMethod: nullableText.describe('how the user signed in, as the application says'),
  expiresAt: instant,
}

/** Sessions that a request ended. */
export const endedSessions = {
  revokedCount: z.int().describe('the sessions that ended, listed or not'),
  revoked: z
    .array(z.object({ id: z.string(), ...recordedSession }))
    .describe('at most 100 for each operation, the last seen'),
}

/** The sessions that a request ended, as `endedSessions` lists them: without a place, which a sign-out does not wait for. */
export function toEndedSessions(revoked: readonly Ended[]) {
  return revoked.map((session) => ({ id: session.id, ...toUsed(session) }))
}

type Used = Omit<Ended, 'id'>

/** As `recordedSession` has it. */
export function toUsed({ deviceName, userAgent, ipAddress, createdAt, lastSeenAt }: Used) {
  return {
    name: deviceName,
    device: describeDevice(userAgent),
    userAgent,
    ipAddress,
    createdAt: createdAt.toISOString(),
    lastSeenAt: lastSeenAt.toISOString(),
  }
}

/** As `usedSession` has it. */
export function toUsedSession(
  session: Used & { country?: string | null; city?: string | null },
  placeOf: PlaceOf,
) {
  return { ...toUsed(session), place: placeOf(session) }
}

export function toActiveSession(session: Session, placeOf: PlaceOf) {
  return {
    id: session.id,
    ...toUsedSession(session, placeOf),
    signInMethod: session.signInMethod,
    expiresAt: session.endsAt.toISOString(),
  }
}
