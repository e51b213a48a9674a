/** Where the sessions of a plan come from: their addresses, programs and countries, the most frequent first. */
import { sql } from 'drizzle-orm'
import type { Executor } from '../../database/database.ts'
import { fetchRows } from '../../database/rows.ts'
import { session } from '../../sessions/schema.ts'
import { matching, within } from './counts.ts'
import type { Breakdown } from './schema.ts'
import type { Selection } from './selector-values.ts'

/** Entries of each list. */
const MOST_LISTED = 10
const BREAKDOWN_MS = 1_000

/** Null where it takes longer than a second. */
export function breakDown(tx: Executor, selection: Selection): Promise<Breakdown | null> {
  const most = (column: string) => sql`(
    select coalesce(pg_catalog.json_agg(frequent), '[]') from (
      select ${sql.raw(column)} as value, count(*)::int as sessions from matching
      group by 1 order by 2 desc, 1 limit ${MOST_LISTED}
    ) frequent)`
  return within(tx, BREAKDOWN_MS, async () => {
    const [found] = await fetchRows<Breakdown>(
      tx,
      sql`
      with matching as materialized (
        select host(${session.ipAddress}) as address, ${session.userAgent} as agent, ${session.country} as country from ${session} where ${matching(selection)}
      )
      select ${most('address')} as addresses, ${most('agent')} as "userAgents",
        case when exists (select from matching where country is not null) then ${most('country')} else '[]' end as countries`,
    )
    return found ?? null
  })
}
