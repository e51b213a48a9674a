/** Parses the durations of settings and commands: `90s`, `30m`, `12h` or `7d`. */
import { z } from 'zod'

/** Seconds of each unit. */
export const UNITS = { s: 1, m: 60, h: 3600, d: 86_400 } as const

/** Parses a duration to seconds. At most 3650d. */
export const duration = z
  .string()
  .regex(/^[1-9]\d*[smhd]$/, 'must be a duration such as 90s, 30m, 12h or 7d')
  .transform((text) => Number(text.slice(0, -1)) * UNITS[text.slice(-1) as keyof typeof UNITS])
  .refine((seconds) => seconds <= 3650 * UNITS.d, 'must not be longer than 3650d')
