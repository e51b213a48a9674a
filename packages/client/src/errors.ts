/** Errors of the client. None of them means "signed out": that is a normal result. */

/** An error of the service, or of the connection to it. */
export class ServiceError extends Error {
  /** HTTP status: the service's own, or 503 when it gave no answer. */
  readonly status: number
  /** Same as `status`, under the name that Fastify and others use. */
  readonly statusCode: number
  /** An error code of the service, or `no_answer`: the request may or may not have been executed. */
  readonly code: string
  readonly detail: string
  /** In seconds, if the service sent it. */
  readonly retryAfterSeconds: number | undefined

  constructor(
    { status, code, detail }: { status: number; code: string; detail: string },
    { cause, retryAfterSeconds }: { cause?: unknown; retryAfterSeconds?: number | undefined } = {},
  ) {
    super(`${code}: ${detail}`, cause === undefined ? undefined : { cause })
    this.name = 'ServiceError'
    this.status = status
    this.statusCode = status
    this.code = code
    this.detail = detail
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/** A logout that did not end the sessions, or may not have. The cookie must stay: the session may be valid. */
export class NotSignedOutError extends ServiceError {
  constructor(...problem: ConstructorParameters<typeof ServiceError>) {
    super(...problem)
    this.name = 'NotSignedOutError'
  }
}

/** The session could not be checked. Answer 503 and refuse the request; the session may still be valid. */
export class UndecidedError extends ServiceError {
  declare readonly status: 503
  declare readonly code: 'ERR_SESSION_UNDECIDED'
  declare readonly retryAfterSeconds: number

  constructor(
    detail: string,
    { cause, retryAfterSeconds = 1 }: { cause?: unknown; retryAfterSeconds?: number | undefined } = {},
  ) {
    super({ status: 503, code: 'ERR_SESSION_UNDECIDED', detail }, { cause, retryAfterSeconds })
    this.name = 'UndecidedError'
  }
}
