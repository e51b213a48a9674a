/** Load on one URL, with cookies picked at random. */
import { cannon } from './autocannon.ts'
import type { Load, LoadOptions } from './generator.ts'
import { wrk, wrkVersion } from './wrk.ts'

const version = await wrkVersion()
export const generator = version ?? 'autocannon'

/** @throws Error if any request failed, because the figure would measure something else. */
export async function load(options: LoadOptions): Promise<Load> {
  const result = await (version ? wrk : cannon)(options)
  if (result.failed > 0) throw new Error(`${result.failed} of ${result.requests} requests failed`)
  return result
}
