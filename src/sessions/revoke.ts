/** Ends sessions as one operation, recorded in the same transaction: functions in `migrations/` do it, each in one statement. */
import type { Database } from '../database/database.ts'
import type { Prepared } from '../database/pooled-client.ts'
import type { Session } from './schema.ts'

/**
 * Sessions that a request can end within its normal deadline. A larger logout gets one millisecond more per session:
 * 100,000 took two to four seconds on two cores.
 */
const WITHIN_DEADLINE = 1_000

/** Ended sessions that an answer lists at most. The audit log has all. */
export const MOST_LISTED = 100

/** Milliseconds that a transaction which ends so many sessions needs beyond its deadline. */
export const extensionFor = (count: number): number => (count > WITHIN_DEADLINE ? count : 0)

/** An active session that has ended. */
export type Ended = Pick<
  Session,
  'id' | 'deviceName' | 'userAgent' | 'ipAddress' | 'createdAt' | 'lastSeenAt'
>

/**
 * Calls a function that ends sessions, whose last argument says whether they may be more than a thousand.
 * @param call without that argument. Where there are more, it is called again with a millisecond more for each.
 * @param tooMany how many, where it has ended none because of their number; else null.
 */
export async function endingAct<Row extends unknown[]>(
  { act, transaction }: Pick<Database, 'act' | 'transaction'>,
  { name, text, values }: Omit<Prepared, 'pooledText'> & { values: unknown[] },
  tooMany: (row: Row) => number | null,
): Promise<Row> {
  const row = await act<Row>({ name, text, values: [...values, false] })
  const sessions = tooMany(row)
  if (sessions === null) return row
  return transaction(async (tx) => {
    await tx.extend(sessions)
    const { rows } = await tx.$client.query<Row>({ text, values: [...values, true], rowMode: 'array' })
    return rows[0] as Row
  })
}

/** As JSON has it. */
export type Dated = Omit<Ended, 'createdAt' | 'lastSeenAt'> & { createdAt: string; lastSeenAt: string }

export const endedOf = ({ createdAt, lastSeenAt, ...rest }: Dated): Ended => ({
  ...rest,
  createdAt: new Date(createdAt),
  lastSeenAt: new Date(lastSeenAt),
})
