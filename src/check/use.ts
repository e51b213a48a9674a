/** What a check asks besides the session: whether it is an activity of the user, and how recent the sign-in must be. */
import type { IncomingHttpHeaders } from 'node:http'
import { Problem } from '../errors.ts'
import { isActivity } from '../sessions/activity.ts'
import type { Use } from './checker.ts'

export const MAX_AUTH_AGE = 'x-max-auth-age'
const ACTIVITY: Use = { activity: true }
const NO_ACTIVITY: Use = { activity: false }

/** @throws Problem `invalid_request` for a maximum that is not a number. */
export function useOf(headers: IncomingHttpHeaders): Use {
  const activity = isActivity(headers)
  if (headers[MAX_AUTH_AGE] === undefined) return activity ? ACTIVITY : NO_ACTIVITY
  return { activity, maxAuthAge: maxAuthAgeOf(headers) }
}

/**
 * The maximum age of the sign-in, in seconds. Of several the smallest counts: a gateway that adds its own to that of the client
 * is not weakened.
 */
export function maxAuthAgeOf(headers: IncomingHttpHeaders): number {
  const given = String(headers[MAX_AUTH_AGE]).split(',')
  const ages = given.map((text) => (/^\s*\d{1,9}\s*$/.test(text) ? Number(text) : Number.NaN))
  const least = Math.min(...ages)
  if (!Number.isNaN(least)) return least
  throw new Problem('invalid_request', 'X-Max-Auth-Age: must be a number of seconds', {
    field: 'X-Max-Auth-Age',
  })
}
