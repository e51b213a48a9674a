/** The action of `global-logout import`: shows the progress, and says how many sessions were taken over and why others were not. */
import { SingleBar } from 'cli-progress'
import { Failed, Interrupted, untilInterrupted } from '../cli/common.ts'
import type { CommandContext } from '../cli/context.ts'
import { print, printJson, printToStderr } from '../cli/print.ts'
import { sqlState } from '../database/failures.ts'
import { count } from '../ui/format.ts'
import { type Counts, type ImportSource, importAll, prepareImport } from './import.ts'

export type ImportOptions = ImportSource & { dryRun?: boolean; json?: true }

/** Why sessions were not taken over. */
const REASONS = {
  expired: 'expired',
  ended: 'ended here before',
  signed_out: 'of users who signed out everywhere, or whose sessions staff ended, since the service runs',
  locked: 'of locked users',
  no_user: 'of users who do not exist',
  no_token: 'without a token',
} as const satisfies { [outcome in keyof Counts]?: string }

export async function importSessions(
  context: CommandContext,
  { dryRun = false, json, ...source }: ImportOptions,
): Promise<void> {
  await context.withDatabase(async (database) => {
    const prepared = await database.run((db) => prepareImport(db, source))
    const { omitted } = prepared
    if (omitted.length > 0)
      printToStderr(`Not taken from ${source.users}: ${omitted.join(', ')}. Options can name another column.`)
    const { result, by } = await withBar((onProgress, signal) =>
      importAll(database, prepared, { dryRun, onProgress, signal }),
    ).catch(explainRights)
    const { counts, complete } = result
    if (json) printJson({ dryRun, complete, ...counts })
    else printCounts(counts, dryRun)
    if (complete) return
    printToStderr('Interrupted. Run the same command again: what was taken over stays.')
    throw by ? new Interrupted(by) : new Failed()
  })
}

function printCounts({ taken, known, ...others }: Counts, dryRun: boolean): void {
  print(dryRun ? `${count(taken, 'session')} would be taken over.` : `${count(taken, 'session')} taken over.`)
  if (known > 0) print(`${count(known, 'session')} had been taken over before.`)
  for (const [outcome, why] of Object.entries(REASONS)) {
    const skipped = others[outcome as keyof typeof REASONS]
    if (skipped > 0) print(`${count(skipped, 'session')} skipped: ${why}.`)
  }
  if (dryRun) print('Dry run: nothing was changed.')
}

interface Progress {
  page: number
  pages: number
  counts: Counts
}

/** Shows a progress bar during `work`. Ctrl-C stops after the current batch. */
async function withBar<T>(work: (onProgress: (now: Progress) => void, signal: AbortSignal) => Promise<T>) {
  const bar = new SingleBar({
    format: '{bar} {percentage}% | {taken} sessions taken over | {duration_formatted}',
    noTTYOutput: true,
    notTTYSchedule: 5_000,
    clearOnComplete: true,
  })
  bar.start(1, 0, { taken: 0 })
  const onProgress = ({ page, pages, counts }: Progress) => {
    bar.setTotal(Math.max(pages, 1))
    bar.update(page, { taken: counts.taken.toLocaleString('en') })
  }
  return await untilInterrupted((signal) => work(onProgress, signal)).finally(() => bar.stop())
}

/** @throws the error, in words where the role of DATABASE_URL lacks a right. */
function explainRights(error: unknown): never {
  if (sqlState(error) !== '42501') throw error
  throw new Error(
    'the user of DATABASE_URL may not read the tables of the application: grant it SELECT on them for the time of the import. Nothing else is needed.',
    { cause: error },
  )
}
