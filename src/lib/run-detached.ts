/**
 * `runDetached` runs work that several requests share, or that outlives its request, outside the current async context.
 * That context would lend the work the first caller's deadline and trace.
 */
import { AsyncLocalStorage } from 'node:async_hooks'

export const runDetached: <T>(work: () => T) => T = AsyncLocalStorage.snapshot()
