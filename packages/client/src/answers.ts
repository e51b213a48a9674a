/** Reads answers of the service. What it could not have answered itself is `no_answer`: the request may have been executed. */
import { ServiceError } from './errors.ts'
import { retryAfterOf } from './exchange.ts'

/** The header of a service key. @throws TypeError without one. */
export function keyHeader(key: string | undefined): { authorization: string } {
  if (!key) throw new TypeError('This needs a service key: createClient({ url, key })')
  return { authorization: `Bearer ${key}` }
}

/**
 * Minimum timeout in milliseconds of a call that ends sessions. The answer waits until no instance can answer "valid" for them (up
 * to 3.3 seconds), in addition to the usual maximum of 1.7 seconds.
 */
export const ENDING = { atLeastMs: 6_000 }

/** A body of the service, not yet checked. */
export type Body = Readonly<Record<string, unknown>>

/**
 * Returns a reader that accepts only this status, and a body that `read` understands; any other answer becomes an error.
 * @param read returns undefined for a body that is not from the service.
 */
export function expecting<T>(status: number, read: (body: Body) => T | undefined) {
  return async (response: Response): Promise<T> => {
    if (response.status !== status) throw await problemOf(response)
    const body = await response.json().catch(() => null)
    const answer = isBody(body) ? read(body) : undefined
    if (answer === undefined) throw noAnswer('another server answered in its place')
    return answer
  }
}

/** Converts a problem body (RFC 9457) to an error; `no_answer` for a body that is not from the service. */
export async function problemOf(response: Response): Promise<ServiceError> {
  const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json')
  const body = isProblem ? await response.json().catch(() => null) : await response.body?.cancel()
  const retryAfterSeconds = retryAfterOf(response)
  const { type, code, detail } = isBody(body) ? body : {}
  if (!isText(code) || typeof detail !== 'string' || type !== `urn:global-logout:problem:${code}`)
    return noAnswer(`another server answered in its place (status ${response.status})`, { retryAfterSeconds })
  return new ServiceError({ status: response.status, code, detail }, { retryAfterSeconds })
}

/** Turns a broken connection or a timeout into a `no_answer`. */
export async function answered<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof ServiceError) throw error
    throw noAnswer('it is down or too slow', { cause: error })
  }
}

export const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
export const isBody = (value: unknown): value is Body =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** An instant in ISO 8601; undefined for anything else. */
export function dateOf(value: unknown): Date | undefined {
  const date = new Date(typeof value === 'string' ? value : Number.NaN)
  return Number.isNaN(date.getTime()) ? undefined : date
}

function noAnswer(reason: string, options?: ConstructorParameters<typeof ServiceError>[1]): ServiceError {
  const detail = `The session service gave no answer: ${reason}. The request may have been executed.`
  return new ServiceError({ status: 503, code: 'no_answer', detail }, options)
}
