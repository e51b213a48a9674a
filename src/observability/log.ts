/** Creates the logger: JSON lines, or readable text on a terminal. It never logs tokens, cookies, query strings or query parameters. */
import { type DestinationStream, type LoggerOptions, pino, stdSerializers } from 'pino'
import { rootCause } from '../database/failures.ts'
import { Problem } from '../errors.ts'

export interface LogOptions {
  pretty?: boolean
  /** Default: standard output. */
  destination?: DestinationStream
  /** Additional fields of every line. */
  mixin?: () => object
}

export function createLogger(level: string, { pretty = false, destination, mixin }: LogOptions = {}) {
  const options: LoggerOptions = {
    level,
    ...(mixin && { mixin }),
    serializers: {
      req: (request) => ({
        id: request.id,
        method: request.method,
        path: request.url?.split('?', 1)[0],
        remoteAddress: request.address?.nearest ?? request.ip,
      }),
      res: (reply) => ({ statusCode: reply.statusCode }),
      // Any thrown value or none: a lease can be lost without an error.
      err: (error: unknown) => (error instanceof Error ? stdSerializers.err(withoutValues(error)) : error),
    },
    redact: {
      paths: [
        'headers.cookie',
        'headers.authorization',
        '*.headers.cookie',
        '*.headers.authorization',
        '*.headers["set-cookie"]',
        'token',
        '*.token',
      ],
      censor: '[redacted]',
    },
    ...(pretty && {
      transport: { target: 'pino-pretty', options: { translateTime: 'HH:MM:ss', ignore: 'pid,hostname' } },
    }),
  }
  return destination ? pino(options, destination) : pino(options)
}

/**
 * The reason behind a `Problem`, whose own message is for callers. Of a database error only code and message: its detail quotes rows
 * ("Key (email)=(…) already exists"), and drizzle's quotes parameters.
 */
function withoutValues(error: Error): Error {
  const cause = rootCause(
    error instanceof Problem && error.cause instanceof Error ? error.cause : error,
  ) as Error & { detail?: string; where?: string }
  if (!('detail' in cause) && !('where' in cause)) return cause
  return Object.assign(new Error(cause.message), {
    name: cause.name,
    stack: cause.stack,
    code: (cause as { code?: string }).code,
  })
}
