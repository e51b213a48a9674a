/** The standbys of the primary that answers: what doctor and the metrics tell of them. */
import type { Database } from './database.ts'

/** How many there are now. `unknown`: only a login with pg_monitor sees what they are. */
export interface Standbys {
  /** Commits wait for one of them, or for several. */
  synchronous: number
  asynchronous: number
  unknown: number
}

export type StandbysRow = [synchronous: number, asynchronous: number, unknown: number]

export const STANDBYS = `select (count(*) filter (where sync_state in ('sync', 'quorum')))::int,
    (count(*) filter (where sync_state in ('async', 'potential')))::int, (count(*) filter (where sync_state is null))::int
  from pg_catalog.pg_stat_replication`

export async function countStandbys(query: Database['query']): Promise<Standbys> {
  const [row] = await query<StandbysRow>({ name: 'count-standbys', text: STANDBYS, values: [] })
  const [synchronous, asynchronous, unknown] = row ?? [0, 0, 0]
  return { synchronous, asynchronous, unknown }
}
