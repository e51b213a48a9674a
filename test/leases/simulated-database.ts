/**
 * Simulates the parts of PostgreSQL that the lease protocol uses: rows, serial commits, and snapshots that
 * show a prefix of them. A crash loses the last commits that did not wait for the disk; one that waited keeps
 * all before it. When another server takes over, the old one may stay readable: it commits nothing more, and
 * knows of no later logout.
 */
import type { createCalls } from '../../src/database/database.ts'
import { connectionTo, type PoolClient } from '../../src/database/pool.ts'
import type { Prepared } from '../../src/database/pooled-client.ts'
import { digestOf } from '../../src/leases/notice.ts'
import type { Carried, InstanceStatus, Revocation } from '../../src/leases/queries.ts'

/** More changes than an instance lists. */
const TOO_MANY = new Array<string>(10_001).fill('')

/** A row of `instance`. */
interface Row {
  beat: number
  applied: number
  notices: string[]
}

/** Before an instance has applied anything. */
const NOTHING = -1

/** A snapshot that shows the first commits. */
const snapshotOf = (commits: number) => `${commits}:${commits}:`
const commitsIn = (snapshot: string) => Number.parseInt(snapshot, 10)

/** @param keys the hashed tokens of the sessions, all valid at first. @param quiet connections last. */
export function simulatedDatabase(keys: string[], endMs: number, random: () => number, quiet: boolean) {
  const alive = new Set(keys)
  /** The tokens that each commit ended, in order. A snapshot is a number of commits, a transaction id a position. */
  const commits: string[][] = []
  let servers = 1
  /** The sessions that each replaced server still shows. */
  const replaced = new Map<string, Set<string>>()
  let epoch = 0
  /** Rows of instances: now, and after a crash. A row is replaced, never changed. */
  let rows = new Map<string, Row>()
  let onDisk = rows
  const expiry = keys.map(() => (random() < 0.3 ? random() * endMs : 1e9))

  /** Commits. A commit that does not wait for the disk may reach it nevertheless. */
  function commit(waits: boolean): void {
    if (waits || random() < 0.3) onDisk = new Map(rows)
  }

  function write(id: string, row: Row | undefined, { text }: Prepared): [][] {
    if (!row) return []
    rows.set(id, row)
    commit(text.includes(`'synchronous_commit', 'on'`))
    return [[]]
  }

  /** What an instance writes of what it applied, unless its connection leads to another server by now. */
  function acknowledge(statement: Prepared, beats: number): [][] {
    const [id, applied, notices, connectionId] = statement.values as [string, string, string, string]
    const row = connectionId === connection() ? rows.get(id) : undefined
    return write(
      id,
      row && {
        beat: row.beat + beats,
        applied: commitsIn(applied),
        notices: notices.slice(1, -1).split(',').filter(Boolean),
      },
      statement,
    )
  }

  const current = () => `server ${servers}`

  function takeOver(): void {
    if (random() < 0.7) replaced.set(current(), new Set(alive))
    servers++
  }

  /** Now and then over a connection to another server. */
  function connection(): string {
    if (random() < 0.005 && !quiet) takeOver()
    return current()
  }

  const policy = () => `epoch-${epoch}`

  function read(): [snapshot: string, connectionId: string, policy: string] {
    const connectionId = connection()
    return [snapshotOf(commits.length), connectionId, policy()]
  }

  const noticeOf = (tokens: string[]) => [random(), policy(), ...tokens].join(' ')

  return {
    expiresAt: (session: number) => expiry[session] ?? 0,

    /** The server that a new connection leads to: sometimes still to one that was replaced. */
    route(): string {
      const old = [...replaced.keys()]
      return (random() < 0.3 && old[Math.floor(random() * old.length)]) || current()
    },

    /** The rows of `readTokens`, on a connection to this server. */
    readTokens(server: string, asked: string[], now: number): [number, string, string, ...number[]][] {
      const shown = server === current() ? alive : replaced.get(server)
      if (!shown) throw new Error('the connection is closed')
      return asked.flatMap((key, n): [number, string, string, ...number[]][] => {
        const left = ((expiry[keys.indexOf(key)] ?? 0) - now) / 1000
        return shown.has(key) && left > 0 ? [[n + 1, 'user', key, 0, 0, 0, left, 60, 60, 60]] : []
      })
    },

    /**
     * Ends sessions and commits. Sometimes it ends them by their epoch, and then names no token. @returns the
     * transaction's id.
     */
    end(sessions: number[]): string {
      const ended = sessions.map((session) => keys[session] ?? '').filter((key) => alive.delete(key))
      const named = random() < 0.8
      if (!named) epoch++
      commits.push(named ? ended : [])
      commit(true)
      return String(commits.length)
    },

    /** The statements of an instance, by their names. */
    query(statement: Prepared): unknown[][] {
      const [id] = statement.values as [string]
      switch (statement.name) {
        case 'add-instance':
          return write(id, { beat: 0, applied: NOTHING, notices: [] }, statement)
        case 'heartbeat':
          return acknowledge(statement, 1)
        case 'acknowledge':
          return acknowledge(statement, 0)
        case 'read-beginning':
          return [[...read(), current()]]
        case 'read-changes': {
          const [since] = statement.values as [string]
          // Now and then too many to list.
          return [[...read(), random() < 0.05 ? TOO_MANY : commits.slice(commitsIn(since)).flat()]]
        }
        case 'remove-instance':
          rows.delete(id)
          commit(false)
          return []
        default:
          throw new Error(`${statement.name} is not simulated`)
      }
    },
    crash(): void {
      rows = new Map(onDisk)
      takeOver()
    },
    removeDeadInstance(id: string, beat: number): void {
      if (rows.get(id)?.beat !== beat) return
      rows.delete(id)
      commit(false)
    },
    instances: (): InstanceStatus[] => [...rows].map(([id, { beat }]) => ({ id, beat })),
    laggingInstances: (revocations: Revocation[]): InstanceStatus[][] =>
      revocations.map(({ xid, carried }) =>
        [...rows]
          .filter(([, { applied, notices }]) => {
            const noticed = carried && notices.includes(carried.digest) && applied >= Number(carried.since)
            return applied < Number(xid) && !noticed
          })
          .map(([id, { beat }]) => ({ id, beat })),
      ),

    /** The text of a notification; now and then there is too much to carry. `since` is the oldest applied snapshot. */
    notice(): { text: string; carried: Carried | null } {
      const applied = [...rows.values()].map((row) => row.applied).filter((each) => each !== NOTHING)
      if (applied.length === 0 || random() < 0.1) return { text: '', carried: null }
      const since = Math.min(...applied)
      const text = noticeOf(commits.slice(since).flat())
      return { text, carried: { digest: digestOf(text), since: String(since) } }
    },

    /** What another login may send: a notice that it heard, with less in it; or what comes if these sessions are ended next. */
    forge(sessions: number[], heard: string | undefined): string {
      const luck = random()
      if (heard && luck < 0.3) return heard
      const [first = '', second = '', ...tokens] = heard?.split(' ') ?? []
      if (heard && luck < 0.6) return [first, second, ...tokens.filter(() => random() < 0.5)].join(' ')
      if (luck < 0.65) return first
      const since = Math.min(...[...rows.values()].map((row) => row.applied))
      const next = sessions.map((session) => keys[session] ?? '').filter((key) => alive.has(key))
      return noticeOf([...commits.slice(Math.max(since, 0)).flat(), ...next])
    },
  }
}

/** A pool: connections stay open to the server that they were opened to. */
export function simulatedPool(
  route: () => string,
  readTokens: (server: string, asked: string[]) => Promise<unknown[][]>,
): Parameters<typeof createCalls>[0]['connections'] {
  const idle: PoolClient[] = []
  function open(): PoolClient {
    const server = route()
    const client = {
      serverId: server,
      server,
      tryOtherHost: () => {},
      release: (broken?: Error | boolean) => void (broken || idle.push(client as PoolClient)),
      query: async ({ values }: Prepared) => ({ rows: await readTokens(server, values[0] as string[]) }),
    }
    return client as unknown as PoolClient
  }
  const next = async () => {
    const client = idle.pop()
    return client ? { client, isNew: false } : { client: open(), isNew: true }
  }
  return { connect: (_end, server, met) => connectionTo(server, next, met) }
}
