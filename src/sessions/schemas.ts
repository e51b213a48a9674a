/** Sessions and devices as the API shows them, said once for all routes. */
import { z } from 'zod'
import { nullableText } from '../http/schemas.ts'
import { DEVICE_KINDS } from './devices.ts'

/** What a user agent tells; `browser` may be any program. */
export const device = z.object({
  browser: nullableText,
  os: nullableText,
  kind: z.enum(DEVICE_KINDS).describe('`app`: a program that does not say what it runs on'),
})

/** Sessions that were just ended. */
export const endedSessions = z.array(z.object({ id: z.string(), device }))
