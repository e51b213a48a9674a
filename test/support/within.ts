/** Waits that end: a test that waits in vain fails and says for what, instead of hanging. */

/** Nothing that a test waits for takes longer, also on a loaded machine. In milliseconds. */
const PATIENCE_MS = 30_000

/** @throws Error naming `what` when it has not come after `ms`. */
export async function within<T>(what: string, wait: Promise<T>, ms = PATIENCE_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new Error(`${what}: nothing after ${ms / 1000} seconds`)), ms)
  })
  return await Promise.race([wait, late]).finally(() => clearTimeout(timer))
}
