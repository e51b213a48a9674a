/** What `verify` finds in the record besides the chain: erasures that do not vouch for what is erased, and numbers that do not add up. */
import { sql } from 'drizzle-orm'
import type { Database, Executor } from '../../database/database.ts'
import { fetchRows } from '../../database/rows.ts'
import type { Finding } from './finding.ts'

/** Each reads the whole record, in milliseconds. */
const CHECK_MS = 300_000

/** Erasures that have not erased what they state, by operation; and what names an erasure that does not exist. */
async function readChangedErasures(tx: Executor): Promise<string[]> {
  const rows = await fetchRows<{ id: string }>(
    tx,
    sql`
    select e.id from global_logout.operation e
      where e.kind = 'user.erase' and global_logout.erasure_digest(e.id) is distinct from e.result ->> 'digest'::text
    union
    select o.erased_by from global_logout.operation o where o.erased_by is not null
      and not exists (select from global_logout.operation e where e.id = o.erased_by and e.kind = 'user.erase')
    order by 1`,
  )
  return rows.map(({ id }) => id)
}

interface RevocationCountMismatch {
  operationId: string
  /** Sessions recorded under it, and the number that it states. */
  recorded: number
  stated: number
}

/**
 * Operations under which more sessions ended than they state. An incident states its number at its end, in another operation;
 * until then its own row counts. Retention lowers the recorded number, never raises it.
 */
async function readRevocationCountMismatches(tx: Executor): Promise<RevocationCountMismatch[]> {
  return fetchRows<RevocationCountMismatch>(
    tx,
    sql`
    select recorded.id as "operationId", recorded.count as recorded, stated.count as stated
    from (select operation_id as id, count(*)::int as count from global_logout.revoked_session group by 1) recorded
    join global_logout.operation o using (id), lateral (select case when o.kind <> 'incident.execute' then o.revoked_count else coalesce(
      (select min(f.revoked_count) from global_logout.operation f
        where f.kind = 'incident.finish' and f.result ->> 'operationId'::text = o.id::text),
      (select i.ended from global_logout.incident i where i.operation_id = o.id), 0) end as count) stated
    where recorded.count > stated.count order by o.at, o.id`,
  )
}

/** Finds erasures that do not vouch for what is erased in their name. */
export async function findChangedErasures({
  transaction,
}: Pick<Database, 'transaction'>): Promise<Finding[]> {
  const changed = await transaction(async (tx) => {
    await tx.extend(CHECK_MS)
    return readChangedErasures(tx)
  })
  return changed.map((operationId) => ({
    kind: 'erasure_changed',
    operationId,
    detail: `operation ${operationId} does not state what is erased in its name`,
  }))
}

/** Finds operations under which more sessions are recorded than they state: a sign of deletions under a false name. */
export async function findRevocationCountMismatches({
  transaction,
}: Pick<Database, 'transaction'>): Promise<Finding[]> {
  const mismatches = await transaction(async (tx) => {
    await tx.extend(CHECK_MS)
    return readRevocationCountMismatches(tx)
  })
  return mismatches.map(({ operationId, recorded, stated }) => ({
    kind: 'revocation_count_mismatch',
    operationId,
    detail: `operation ${operationId} states ${stated} ended sessions, but ${recorded} are recorded under it`,
  }))
}
