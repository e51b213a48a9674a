/** The operations behind new links of the chain. */
import { sql } from 'drizzle-orm'
import type { Executor } from '../../database/database.ts'
import { fetchRows } from '../../database/rows.ts'
import type { Operation } from '../../operations/schema.ts'

/** Consecutive links, those after number `after` up to number `upTo`. */
export interface SealedLinks {
  after: number
  upTo: number
}

export type SealedOperation = { seq: number } & Pick<
  Operation,
  'id' | 'kind' | 'scope' | 'actorKind' | 'revokedCount' | 'requestId' | 'result'
>

/** At most `limit` of them, in order. Looks each up by its id: for a join, the planner may scan the whole table. */
export function readSealed(db: Executor, links: SealedLinks, limit: number): Promise<SealedOperation[]> {
  return fetchRows<SealedOperation>(
    db,
    sql`
    select l.seq::float8 as seq, o.id, o.kind, o.scope, o.actor_kind as "actorKind",
      o.revoked_count as "revokedCount", o.request_id as "requestId", o.result
    from (select seq, operation_id from global_logout.audit_link
        where seq > ${links.after} and seq <= ${links.upTo} order by seq limit ${limit}) l,
      lateral (select * from global_logout.operation where id = l.operation_id limit 1) o
    order by l.seq`,
  )
}
