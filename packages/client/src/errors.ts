/** What can go wrong between an application and the service. None of it ever means "signed out": that is an answer. */

/** An error of the service, or of the way to it. */
export class ServiceError extends Error {
  /** HTTP status: the service's own, or 503 when it gave no answer. */
  readonly status: number
  /** As `status`, by the name that Fastify and others read. */
  readonly statusCode: number
  /** A code of the service's table of errors, or `no_answer`: it may have been done, or not. */
  readonly code: string
  readonly detail: string
  /** In seconds, when the service named it. */
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

/** Nobody can say whether the session is valid. Answer 503 and let nobody pass; the session may well be alive. */
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
