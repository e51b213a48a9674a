/** The three log methods that modules use. The loggers of pino and Fastify have them. */
import type { BaseLogger } from 'pino'

export type Log = Pick<BaseLogger, 'info' | 'warn' | 'error'>

/** Writes nothing: for commands and tests, which print their own output. */
export const silentLog: Log = { info() {}, warn() {}, error() {} }
