/**
 * Reads that need no promise: staff's search, the audit log, the figures of the overview. Where DATABASE_READ_URL is set they go to a
 * replica, which may lag behind: nothing that decides about a session or a permission may be read here. Every answer tells up to
 * when its data is complete (`as-of.ts`). While the replica does not answer or is far behind, the primary is read, and the log says so.
 *
 * A server of another cluster is never read, and neither is a primary that was replaced: its data would be wrong, with no sign of it. An
 * address may lead to another server at any time, so the two are compared at each read.
 */
import { Problem } from '../errors.ts'
import type { Log } from '../lib/log.ts'
import { noteAsOf } from './as-of.ts'
import { SERVER_ID } from './connection-settings.ts'
import { type Database, openDatabase, type Transaction } from './database.ts'
import { fetchRows } from './rows.ts'

/** Connections to the replica. */
const MAX_CONNECTIONS = 3
/** Milliseconds. A request has 1.7 s: enough of it is left for the primary. */
const DEADLINE_MS = 900
/** How long the primary is read after the replica failed, in milliseconds. */
const AWAY_MS = 30_000
/** A replica that is further behind is not read. On an idle server the last commit is up to a minute old: the sweep writes each minute. */
const MAX_LAG_MS = 5 * 60_000

export type Reads = Pick<Database, 'run' | 'transaction'>

/** Opens the replica at DATABASE_READ_URL, which may be a standby. */
export const openReplica = (url: string, log?: Log, deadlineMs = DEADLINE_MS): Database =>
  openDatabase(url, { max: MAX_CONNECTIONS, deadlineMs, standby: true, ...(log && { log }) })

export interface ReadState {
  /** System identifier and database: the same on every server of a cluster. */
  cluster: string
  /** `SERVER_ID`: null on a standby. */
  serverId: string | null
  /** The time of the last commit that a standby has applied: all earlier ones are there. Null on a primary, which has all. */
  replayedUntil: Date | null
}

/** Which server answers, and up to when its data is complete. */
export async function readState(db: Transaction): Promise<ReadState> {
  const [state] = await fetchRows<{ cluster: string; serverId: string | null; at: number | null }>(
    db,
    `select (select system_identifier from pg_control_system()) || '/' || current_database() as cluster, ${SERVER_ID} as "serverId",
      extract(epoch from pg_last_xact_replay_timestamp())::float8 as at`,
  )
  if (!state) throw new Error('the query for the state of the server returned no row')
  const { at, ...server } = state
  // Without a commit since a standby started, nothing is known.
  return { ...server, replayedUntil: server.serverId === null ? new Date((at ?? 0) * 1_000) : null }
}

/** Why data of `replica` would be wrong; null for a standby of the primary, and the primary itself. */
export function whyWrong(primary: ReadState, replica: ReadState): string | null {
  if (replica.cluster !== primary.cluster) return 'another cluster or database'
  if (replica.serverId !== null && replica.serverId !== primary.serverId) return 'another primary'
  return null
}

class WrongServer extends Error {}

class TooFarBehind extends Error {}

export function createReads(
  primary: Reads,
  replica: Reads | null,
  log: Log,
  clock = () => performance.now(),
): Reads {
  if (!replica) return primary
  let awayUntil = Number.NEGATIVE_INFINITY
  let isAway = false

  /** `read` on the replica, or else on the primary. */
  async function either<T>(
    read: (on: Reads, work: (db: Transaction) => Promise<T>) => Promise<T>,
    work: (db: Transaction) => Promise<T>,
  ): Promise<T> {
    if (clock() < awayUntil) return read(primary, work)
    const ours = await primary.run(readState)
    let at: Date | null = null
    try {
      const result = await read(replica as Reads, async (db) => {
        const its = await readState(db)
        const wrong = whyWrong(ours, its)
        if (wrong) throw new WrongServer(`it leads to ${wrong} than DATABASE_URL`)
        at = its.replayedUntil
        if (at && Date.now() - at.getTime() > MAX_LAG_MS)
          throw new TooFarBehind(`it has applied no commit since ${at.toISOString()}`)
        return work(db)
      })
      if (isAway) log.info({}, 'staff read from DATABASE_READ_URL again')
      isAway = false
      noteAsOf(at)
      return result
    } catch (err) {
      if (err instanceof Problem && err.status < 500) throw err
      awayUntil = clock() + AWAY_MS
      isAway = true
      if (err instanceof WrongServer)
        log.error({ err }, 'DATABASE_READ_URL leads to the wrong server and is not read')
      else log.warn({ err }, 'the replica at DATABASE_READ_URL cannot be read: staff read from the primary')
      return read(primary, work)
    }
  }

  return {
    run: (work) => either((on, work) => on.run(work), work),
    transaction: (work) => either((on, work) => on.transaction(work), work),
  }
}
