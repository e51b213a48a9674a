/**
 * Every error a caller can meet, once. A problem body (RFC 9457) carries `code`, which is stable; the README
 * lists this table and `test/errors.test.ts` holds the two equal. A 5xx says nothing of the inside: the cause
 * goes to the log, under the same request id.
 */
export const ERRORS = {
  invalid_request: { status: 400, title: 'The request is not valid' },
  unauthenticated: { status: 401, title: 'No session token came with the request' },
  invalid_token: { status: 401, title: 'The session is not valid' },
  key_required: { status: 401, title: 'No service key came with the request' },
  invalid_key: { status: 401, title: 'The service key is not valid' },
  insufficient_scope: { status: 403, title: 'The service key lacks the scope for this' },
  user_locked: { status: 403, title: 'This user may not sign in for now' },
  cross_origin: { status: 403, title: 'The request did not prove that it comes from this site' },
  not_staff: { status: 403, title: 'This is for security staff' },
  read_only: { status: 403, title: 'Auditors may read, not change' },
  sign_in_again: { status: 403, title: 'This needs a recent sign-in' },
  not_found: { status: 404, title: 'There is nothing here' },
  session_not_found: { status: 404, title: 'You have no such session' },
  user_not_found: { status: 404, title: 'There is no such user' },
  incident_not_found: { status: 404, title: 'There is no such incident' },
  request_timeout: { status: 408, title: 'The request took too long to arrive' },
  incident_not_open: { status: 409, title: 'This plan cannot be executed any more' },
  cursor_too_old: { status: 410, title: 'The feed no longer reaches back to this cursor' },
  body_too_large: { status: 413, title: 'The request body is too large' },
  unsupported_media_type: { status: 415, title: 'The request body has a type that is not understood' },
  too_many_attempts: { status: 429, title: 'Too many attempts with a wrong service key' },
  headers_too_large: { status: 431, title: 'The request headers are too large' },
  internal: { status: 500, title: 'Something went wrong on our side' },
  unavailable: { status: 503, title: 'This cannot be decided at the moment' },
  outcome_unknown: { status: 503, title: 'The outcome could not be confirmed' },
} as const satisfies Record<string, { status: number; title: string }>

export type ErrorCode = keyof typeof ERRORS

/** An error with a place in the table. `detail` is written for the caller; `cause` is for the log only. */
export class Problem extends Error {
  readonly code: ErrorCode
  readonly detail: string
  /** The field of the request that is at fault, for `invalid_request`. */
  readonly field: string | undefined
  /** When to try again, for what may go well another time. */
  readonly retryAfterSeconds: number | undefined

  constructor(
    code: ErrorCode,
    detail: string,
    options: { cause?: unknown; field?: string; retryAfterSeconds?: number } = {},
  ) {
    super(`${code}: ${detail}`, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'Problem'
    this.code = code
    this.detail = detail
    this.field = options.field
    this.retryAfterSeconds = options.retryAfterSeconds ?? (ERRORS[code].status === 503 ? 1 : undefined)
  }

  get status(): number {
    return ERRORS[this.code].status
  }
}

/** 503: asked in good order, but nobody can say. Never "valid", never "logged out". */
export function unavailable(cause: unknown): Problem {
  return new Problem(
    'unavailable',
    'The session store did not answer in time. Nothing was changed; try again.',
    {
      cause,
    },
  )
}
