import { readdirSync } from 'node:fs'

/** How many migrations there are. */
export const MIGRATIONS = readdirSync(new URL('../../migrations', import.meta.url)).filter((name) =>
  name.endsWith('.sql'),
).length
