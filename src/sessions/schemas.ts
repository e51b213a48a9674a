/** Schemas of sessions and devices in API answers, shared by all routes. */
import { z } from 'zod'
import { instant, nullableText } from '../http/schemas.ts'
import { DEVICE_KINDS, describeDevice } from './devices.ts'
import type { Ended } from './revoke.ts'

/** What the user agent reveals; `browser` may be any program. */
export const device = z.object({
  browser: nullableText,
  os: nullableText,
  kind: z.enum(DEVICE_KINDS).describe('`app`: a program that does not name its device'),
})

/** Sessions that a request ended. */
export const endedSessions = {
  revokedCount: z.int().describe('the sessions that ended, listed or not'),
  revoked: z
    .array(
      z.object({
        id: z.string(),
        device,
        userAgent: nullableText,
        ipAddress: nullableText,
        createdAt: instant,
        lastSeenAt: instant,
      }),
    )
    .describe('at most 100 for each operation, the last seen'),
}

/** The sessions that a request ended, as `endedSessions` lists them. */
export function toEndedSessions(revoked: readonly Ended[]) {
  return revoked.map(({ id, userAgent, ipAddress, createdAt, lastSeenAt }) => ({
    id,
    device: describeDevice(userAgent),
    userAgent,
    ipAddress,
    createdAt: createdAt.toISOString(),
    lastSeenAt: lastSeenAt.toISOString(),
  }))
}
