/** What a module needs of the log: the three methods it writes with. The loggers of pino and Fastify have them. */
import type { BaseLogger } from 'pino'

export type Log = Pick<BaseLogger, 'info' | 'warn' | 'error'>

/** Writes nothing: for commands and tests, which print what matters themselves. */
export const silentLog: Log = { info() {}, warn() {}, error() {} }
