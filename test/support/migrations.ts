/** The number of migrations. */
import { readdirSync } from 'node:fs'

export const MIGRATIONS = readdirSync(new URL('../../migrations', import.meta.url)).filter((name) =>
  name.endsWith('.sql'),
).length
