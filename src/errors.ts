/**
 * All errors that the API returns. The `code` of a problem body (RFC 9457) is stable. The README lists this table, and
 * `test/errors.test.ts` compares the two. A 5xx reveals no internals: its cause is logged with the request id.
 */
export const ERRORS = {
  invalid_request: { status: 400, title: 'Invalid request' },
  unauthenticated: { status: 401, title: 'No session token in the request' },
  invalid_token: { status: 401, title: 'Session not valid' },
  insufficient_user_authentication: { status: 401, title: 'A more recent sign-in is required' },
  key_required: { status: 401, title: 'No service key in the request' },
  invalid_key: { status: 401, title: 'Service key not valid' },
  insufficient_scope: { status: 403, title: 'The service key lacks the required scope' },
  user_locked: { status: 403, title: 'Sign-in is locked for this user' },
  cross_origin: { status: 403, title: 'Cross-origin request refused' },
  not_staff: { status: 403, title: 'Security staff only' },
  read_only: { status: 403, title: 'Auditors have read-only access' },
  sign_in_again: { status: 403, title: 'Recent sign-in required' },
  second_person_required: { status: 403, title: 'A second person has to approve the plan' },
  not_found: { status: 404, title: 'Not found' },
  session_not_found: { status: 404, title: 'No such session' },
  user_not_found: { status: 404, title: 'No such user' },
  incident_not_found: { status: 404, title: 'No such incident' },
  operation_not_found: { status: 404, title: 'No such operation' },
  request_timeout: { status: 408, title: 'Request timeout' },
  other_instance: { status: 409, title: 'The lease is of another instance' },
  session_over: { status: 409, title: 'The session is over' },
  user_is_staff: { status: 409, title: 'The user has a staff role' },
  incident_not_open: { status: 409, title: 'The plan has expired' },
  approval_required: { status: 409, title: 'The plan has not been approved' },
  cursor_too_old: { status: 410, title: 'The feed no longer reaches back to this cursor' },
  body_too_large: { status: 413, title: 'Request body too large' },
  unsupported_media_type: { status: 415, title: 'Unsupported type of request body' },
  too_many_attempts: { status: 429, title: 'Too many wrong service keys' },
  headers_too_large: { status: 431, title: 'Request headers too large' },
  internal: { status: 500, title: 'Internal error' },
  unavailable: { status: 503, title: 'Temporarily unavailable' },
  outcome_unknown: { status: 503, title: 'Outcome not confirmed' },
  no_lease: { status: 503, title: 'No lease to lend' },
  lease_suspended: { status: 503, title: 'Revocations had to wait for leases' },
  too_many_callers: { status: 503, title: 'Too many callers' },
} as const satisfies Record<string, { status: number; title: string }>

export type ErrorCode = keyof typeof ERRORS

/** An error of the table above. `detail` is for the caller, `cause` for the log only. */
export class Problem extends Error {
  readonly code: ErrorCode
  readonly detail: string
  /** The invalid field of the request, for `invalid_request`. */
  readonly field: string | undefined
  /** Seconds until a retry makes sense. */
  readonly retryAfterSeconds: number | undefined
  /** The maximum age of the sign-in, for `insufficient_user_authentication`. */
  readonly maxAgeSeconds: number | undefined

  constructor(
    code: ErrorCode,
    detail: string,
    options: { cause?: unknown; field?: string; retryAfterSeconds?: number; maxAgeSeconds?: number } = {},
  ) {
    super(`${code}: ${detail}`, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'Problem'
    this.code = code
    this.detail = detail
    this.field = options.field
    this.maxAgeSeconds = options.maxAgeSeconds
    this.retryAfterSeconds = options.retryAfterSeconds ?? (ERRORS[code].status === 503 ? 1 : undefined)
  }

  get status(): number {
    return ERRORS[this.code].status
  }
}

/** 503: the request was fine, but the service cannot decide. Neither "valid" nor "logged out". */
export function unavailable(cause: unknown): Problem {
  return new Problem(
    'unavailable',
    'The session store did not answer in time. Nothing was changed; try again.',
    {
      cause,
    },
  )
}
