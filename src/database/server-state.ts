/**
 * Whether a server may be used. One that answers may still be unfit: its data may be stale, or a session that ends there would leave
 * no record.
 */
import type { ServerState } from './connection-settings.ts'

/** The server answers, but its data may be stale, or a session that ends there would leave no record. */
export class UnfitServer extends Error {
  /** The message for callers, without the name of the host. */
  readonly detail: string
  /** What to do. */
  readonly advice: string
  /** Whether it may become fit without intervention, as a standby does by promotion. */
  readonly temporary: boolean

  constructor(server: string, what: string, advice: string, temporary = true) {
    super(`${server} ${what}. ${advice}`)
    this.name = 'UnfitServer'
    this.detail = `The database ${what}.`
    this.advice = advice
    this.temporary = temporary
  }
}

/** @returns its `SERVER_ID`. @throws UnfitServer unless the server is a writable primary where triggers fire. */
export function requirePrimary(
  [recovering, readOnly, replicationRole, serverId]: ServerState,
  server: string,
): string | null {
  if (recovering)
    throw new UnfitServer(
      server,
      'is a standby, which may lag behind and cannot end sessions',
      'DATABASE_URL must lead to the primary, or list all hosts.',
    )
  if (readOnly === 'on')
    throw new UnfitServer(
      server,
      'is read-only: default_transaction_read_only is on',
      'Set it to off for the server, the database and the user of DATABASE_URL.',
    )
  if (replicationRole === 'replica')
    throw new UnfitServer(
      server,
      'skips triggers: session_replication_role is replica, so ended sessions would leave no record',
      'Set it to origin for the server, the database and the user of DATABASE_URL.',
      false,
    )
  return serverId
}

export function otherServer(server: string): UnfitServer {
  return new UnfitServer(
    server,
    'is not the server that granted the lease of this process',
    'After a failover this passes; otherwise let all addresses lead to one server.',
  )
}

/** The `UnfitServer` among the causes of a failed connection, if there is one. */
export function unfitServer(error: unknown): UnfitServer | undefined {
  const errors = error instanceof AggregateError ? error.errors : [error]
  return errors.find((each) => each instanceof UnfitServer)
}

/** No server answers at the address, or a proxy without a primary closes the connection. */
const UNREACHABLE = [
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
]

/** Whether a connection that failed with this error may succeed later: the server is unreachable, starts, or is a standby. */
export function isTemporaryFailure(error: unknown): boolean {
  if (error instanceof UnfitServer) return error.temporary
  const { code = '', message } = error as NodeJS.ErrnoException
  // 08: PgBouncer answers, and PostgreSQL does not.
  if (UNREACHABLE.includes(code) || code.startsWith('57P') || code.startsWith('08')) return true
  if (error instanceof AggregateError) return error.errors.some(isTemporaryFailure)
  return /timeout expired|^Connection terminated/.test(message)
}
