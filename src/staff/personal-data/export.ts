/**
 * Everything that is kept of one person, as one JSON document: each section says what it is. Written row by row, in constant memory.
 * Every export is an operation, recorded before the first byte.
 */
import { type Database, withoutDeadline } from '../../database/database.ts'
import { Problem } from '../../errors.ts'
import { type Actor, recordOperationWithoutRevocations } from '../../operations/record.ts'
import { SECTIONS } from './queries.ts'

const ABOUT =
  'All that this service keeps of one person. It signs people in and out; what the application itself keeps is not in here. ' +
  'Times are UTC. docs/privacy.md says how long each is kept, and why.'

export type ExportUser = ReturnType<typeof createExportUser>

export function createExportUser({ run, transaction }: Pick<Database, 'run' | 'transaction'>) {
  /** A query of its own deadline: a slow reader may take longer than a request. */
  const alone: Database['run'] = (work) => withoutDeadline(() => run(work))

  async function isKnown(userId: string): Promise<boolean> {
    for (const { rows } of SECTIONS) {
      const { done } = await rows(alone, userId).next()
      if (!done) return true
    }
    return false
  }

  /**
   * The lines of the document. Throws in the middle when the database fails, so that no reader takes a part for the whole.
   * @throws Problem `user_not_found`, before the first line.
   */
  return async function* (userId: string, by: Actor): AsyncGenerator<string> {
    if (!(await isKnown(userId)))
      throw new Problem('user_not_found', 'Nothing here names a user with this id.')
    const what = { ...by, kind: 'user.export' as const, userId }
    const operationId = await withoutDeadline(() =>
      transaction((tx) => recordOperationWithoutRevocations(tx, what)),
    )
    yield `{"about":${JSON.stringify({ is: ABOUT, userId, at: new Date(), operationId })}\n`
    for (const { name, is, rows } of SECTIONS) {
      yield `,"${name}":{"is":${JSON.stringify(is)},"rows":[\n`
      let separator = ''
      for await (const row of rows(alone, userId)) {
        yield `${separator}${JSON.stringify(row)}\n`
        separator = ','
      }
      yield ']}\n'
    }
    yield '}\n'
  }
}
