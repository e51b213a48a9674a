/** Simulates what the lease protocol uses of PostgreSQL: rows, serial commits, and snapshots that show a prefix of them. */
import type { Changes, InstanceStatus } from '../../src/leases/queries.ts'

/** @param keys the hashed tokens of the sessions, all valid at first. */
export function simulatedDatabase(keys: string[], endMs: number, random: () => number) {
  const alive = new Set(keys)
  /** The tokens that each commit ended, in order. A snapshot is a number of commits, a transaction id a position. */
  const commits: string[][] = []
  let databases = 1
  let epoch = 0
  const rows = new Map<string, { beat: number; applied: number }>()
  const expiry = keys.map(() => (random() < 0.3 ? random() * endMs : 1e9))

  return {
    expiresAt: (session: number) => expiry[session] ?? 0,

    /** The rows of `readTokens`. */
    readTokens(asked: string[], now: number): [number, string, string, ...number[]][] {
      return asked.flatMap((key, n): [number, string, string, ...number[]][] => {
        const left = ((expiry[keys.indexOf(key)] ?? 0) - now) / 1000
        return alive.has(key) && left > 0 ? [[n + 1, 'user', key, 0, 0, 0, left, 60, 60, 60]] : []
      })
    },

    /** Ends sessions and commits, now and then with their epoch: then no token is named. @returns the transaction's id. */
    end(sessions: number[]): string {
      const ended = sessions.map((session) => keys[session] ?? '').filter((key) => alive.delete(key))
      const named = random() < 0.8
      if (!named) epoch++
      commits.push(named ? ended : [])
      return String(commits.length)
    },

    add: (id: string) => void rows.set(id, { beat: 0, applied: -1 }),
    heartbeat(id: string): boolean {
      const row = rows.get(id)
      if (row) row.beat++
      return row !== undefined
    },
    /** Now and then too many changes to list, and now and then another database. */
    changes(since: string | null): Changes {
      if (random() < 0.005) databases++
      const tokens = random() < 0.05 ? null : commits.slice(Number(since ?? commits.length)).flat()
      const databaseId = `database ${databases}`
      const policy = `epoch ${epoch}`
      return { snapshot: String(commits.length), server: databaseId, databaseId, policy, tokens }
    },
    setApplied(id: string, snapshot: string): void {
      const row = rows.get(id)
      if (row) row.applied = Number(snapshot)
    },
    remove: (id: string) => void rows.delete(id),
    removeDeadInstance(id: string, beat: number): void {
      if (rows.get(id)?.beat === beat) rows.delete(id)
    },
    instances: (): InstanceStatus[] => [...rows].map(([id, { beat }]) => ({ id, beat })),
    laggingInstances: (xids: string[]): InstanceStatus[][] =>
      xids.map((xid) =>
        [...rows].filter(([, { applied }]) => applied < Number(xid)).map(([id, { beat }]) => ({ id, beat })),
      ),
  }
}
