/** What standbys mean: whether a failover can lose what was answered, and whether a replaced primary is believed. */
import type { Config } from '../config.ts'
import { STANDBYS, type StandbysRow } from '../database/standbys.ts'
import { type Finding, ok, type Query, warning } from './finding.ts'

const LOSES =
  'A failover may lose the last sign-outs; the processes that confirmed them carry them out again. Set synchronous_standby_names'

/** A login without pg_monitor sees standbys, and not what they are. */
export async function checkReplication(query: Query): Promise<Finding> {
  const [synchronous, asynchronous, unknown] = await query<StandbysRow>(STANDBYS)
  const [names] = await query<[string]>(`select current_setting('synchronous_standby_names')`)
  const standbys = synchronous + asynchronous + unknown
  if (standbys === 0) return ok('replication', 'no standby is connected')
  if (synchronous > 0) return ok('replication', `${synchronous} of ${standbys} standbys synchronous`)
  if (names === '') return warning('replication', `none of ${standbys} standbys is synchronous. ${LOSES}.`)
  return unknown > 0
    ? ok('replication', `${standbys} standbys; only a login with pg_monitor sees whether one is synchronous`)
    : warning(
        'replication',
        `none of ${standbys} standbys is synchronous now. ${LOSES} to those that are connected.`,
      )
}

/** Without standbys there is no server that could take over, and be believed beside the old one. */
export async function checkFence(query: Query, checkMode: Config['checkMode']): Promise<Finding> {
  if (checkMode === 'leased') return ok('checks', 'leased: a primary that was replaced is not believed')
  const counts = await query<StandbysRow>(STANDBYS)
  return counts.every((count) => count === 0)
    ? ok('checks', 'database: no standby is connected that could take over')
    : warning(
        'checks',
        'CHECK_MODE is database: after a failover the old primary is believed while it answers. Leave it out, or set leased.',
      )
}
