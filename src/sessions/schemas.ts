/** Schemas of sessions and devices in API answers, shared by all routes. */
import { z } from 'zod'
import { nullableText } from '../http/schemas.ts'
import { DEVICE_KINDS, describeDevice } from './devices.ts'

/** What the user agent reveals; `browser` may be any program. */
export const device = z.object({
  browser: nullableText,
  os: nullableText,
  kind: z.enum(DEVICE_KINDS).describe('`app`: a program that does not name its device'),
})

/** Sessions that a request ended. */
export const endedSessions = z.array(z.object({ id: z.string(), device }))

/** The sessions that a request ended, as `endedSessions` has them. */
export function toEndedSessions(revoked: readonly { id: string; userAgent: string | null }[]) {
  return revoked.map(({ id, userAgent }) => ({ id, device: describeDevice(userAgent) }))
}
