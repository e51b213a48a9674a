/** What fails, and which promises hold then. Each plan ends with a healthy cluster of three nodes. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Mode } from '../prove/faults.ts'
import type { Cluster } from './cluster.ts'
import type { Node } from './node.ts'

export interface Plan {
  meaning: string
  replication: 'synchronous' | 'asynchronous'
  /** Whether all instances but the first have the list of hosts in DATABASE_URL, in place of HAProxy. */
  listsHosts?: boolean
  /** The modes in which a violation is a failure. In the others it is counted. */
  promised: readonly Mode[]
  /**
   * Causes the failure, waits until another node is the primary, and passes that node to `replaced`. @returns
   * the repair.
   */
  fail(cluster: Cluster, primary: Node, replaced: () => void): Promise<() => Promise<void> | void>
}

/** How long the old primary keeps running alone after it was replaced. */
const APART_MS = 8_000
/** How far the standbys are behind when the primary is killed. */
const LAG_MS = 2_000

async function freezeManager(cluster: Cluster, primary: Node, replaced: () => void): Promise<() => void> {
  primary.freezeManager()
  try {
    await cluster.replaced(primary)
    replaced()
    await sleep(APART_MS)
  } finally {
    primary.thawManager()
  }
  return () => {}
}

export const PLANS = {
  kill: {
    meaning: 'PostgreSQL and Patroni of the primary are killed (SIGKILL), and started again',
    replication: 'synchronous',
    promised: ['database', 'leased'],
    async fail(cluster, primary, replaced) {
      await primary.kill()
      await cluster.replaced(primary)
      replaced()
      return () => primary.start()
    },
  },
  switchover: {
    meaning: 'another node becomes the primary, as before maintenance',
    replication: 'synchronous',
    promised: ['database', 'leased'],
    async fail(cluster, primary, replaced) {
      await cluster.switchover(primary)
      await cluster.replaced(primary)
      replaced()
      return () => {}
    },
  },
  freeze: {
    meaning: 'the machine of the primary is frozen (SIGSTOP) until it was replaced, and thawed',
    replication: 'synchronous',
    promised: ['leased'],
    async fail(cluster, primary, replaced) {
      primary.freeze()
      try {
        await cluster.replaced(primary)
        replaced()
        await sleep(APART_MS)
      } finally {
        primary.thaw()
      }
      return () => {}
    },
  },
  manager: {
    meaning:
      'only Patroni of the primary is frozen until it was replaced, and thawed; its PostgreSQL goes on',
    replication: 'synchronous',
    promised: ['leased'],
    fail: freezeManager,
  },
  hosts: {
    meaning:
      'the same, and only the first instance has HAProxy: the others list all hosts, and stay connected',
    replication: 'synchronous',
    listsHosts: true,
    promised: ['leased'],
    fail: freezeManager,
  },
  asynchronous: {
    meaning: 'asynchronous replication is cut for two seconds, and the primary is killed',
    replication: 'asynchronous',
    promised: [],
    async fail(cluster, primary, replaced) {
      const drop = primary.cutReplication()
      await sleep(LAG_MS)
      await primary.kill()
      drop()
      await cluster.replaced(primary)
      replaced()
      return () => primary.start()
    },
  },
} as const satisfies Record<string, Plan>

export type PlanName = keyof typeof PLANS
