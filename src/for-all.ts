import { AsyncLocalStorage } from 'node:async_hooks'

/**
 * Runs what several requests share, or what goes on after them, outside of whichever came first: its deadline is not theirs,
 * and its trace, which its caller has chosen, would never end.
 */
export const forAll: <T>(work: () => T) => T = AsyncLocalStorage.snapshot()
