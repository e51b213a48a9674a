/** `global-logout sweep` deletes expired sessions. */
import type { CommandContext } from '../cli/context.ts'
import { print, printJson } from '../cli/print.ts'
import { count } from '../ui/format.ts'
import { sweep } from './sweeper.ts'

export interface SweepOptions {
  json?: true
}

export async function sweepNow(context: CommandContext, { json }: SweepOptions): Promise<void> {
  const deleted = await context.withDatabase((database) => sweep(database))
  if (json) printJson({ deleted })
  else if (deleted === null) print('Another process is sweeping. Nothing was deleted here.')
  else print(`${count(deleted, 'expired session')} deleted.`)
}
