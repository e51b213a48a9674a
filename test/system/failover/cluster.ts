/**
 * Three nodes with PostgreSQL and Patroni, one etcd, and one HAProxy for each instance of the service: the files of
 * `examples/patroni` with other addresses, on loopback.
 */
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../support/ports.ts'
import { waitFor } from '../../support/within.ts'
import { example } from './examples.ts'
import { type Node, PASSWORDS, prepareNode } from './node.ts'
import { isRoot, type Program, startProgram, versionOf } from './program.ts'

const NAMES = ['db1', 'db2', 'db3']
/** User and group `nobody` of Debian. */
const NOBODY = 65_534
/** Initialises the primary, and copies it twice. */
const START_MS = 180_000
/** A failover, and the return of the old primary by pg_rewind or a copy. */
export const RECOVERY_MS = 120_000

export interface Timing {
  ttl: number
  loopWait: number
  retryTimeout: number
}

interface Member {
  name: string
  role: string
  state: string
  timeline?: number
  lag?: number | 'unknown'
}

export type Cluster = Awaited<ReturnType<typeof startCluster>>

export interface ClusterOptions {
  timing: Timing
  /** How many HAProxies. */
  proxies: number
  /** The interface of etcd; by default the safe one for this version of Patroni. */
  store?: Store | undefined
}

export type Store = 'etcd' | 'etcd3'

export async function startCluster({ timing, proxies, ...options }: ClusterOptions) {
  const folder = await mkdtemp(join(tmpdir(), 'global-logout-failover-'))
  if (isRoot) await chown(folder, NOBODY, NOBODY)
  const closing: (() => unknown)[] = [() => rm(folder, { recursive: true, force: true })]
  const stop = async () => {
    for (const step of closing.splice(0).reverse()) await step()
  }

  async function start(name: string, args: string[], log = name): Promise<Program> {
    const program = await startProgram(name, args, { log: join(folder, `${log}.log`) })
    closing.push(program.kill)
    return program
  }

  try {
    const etcd = await startEtcd(folder, start)
    const store = options.store ?? (await storeOf())
    const edits = [
      ['etcd3:\n', `${store}:\n`],
      ['db1:2379,db2:2379,db3:2379', `127.0.0.1:${etcd}`],
      ['ttl: 20', `ttl: ${timing.ttl}`],
      ['loop_wait: 5', `loop_wait: ${timing.loopWait}`],
      ['retry_timeout: 7', `retry_timeout: ${timing.retryTimeout}`],
      // A killed process loses no data that the kernel has; there is no power failure here.
      ['max_connections: 300', "max_connections: 300\n        fsync: 'off'"],
    ] as const
    const nodes: Node[] = []
    for (const name of NAMES) {
      const node = await prepareNode({ name, folder, edits })
      closing.push(node.stop)
      nodes.push(node)
    }
    const ports = await startProxies(nodes, proxies, folder, start)
    for (const node of nodes) await node.start()
    const cluster = clusterOf(nodes, ports)
    await cluster.healthy('the start of the cluster', START_MS)
    return { ...cluster, folder, store, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function clusterOf(nodes: Node[], ports: number[]) {
  let isSynchronous = true

  async function members(): Promise<Member[]> {
    for (const node of nodes) await node.mustRun()
    for (const node of nodes) {
      const answer = await node.ask('/cluster')
      if (answer?.status === 200) return (JSON.parse(answer.body) as { members: Member[] }).members
    }
    return []
  }

  /** The node that HAProxy leads to. */
  async function primary(): Promise<Node | null> {
    const answers = await Promise.all(nodes.map((node) => node.ask('/primary')))
    return nodes.find((_, i) => answers[i]?.status === 200) ?? null
  }

  function areHealthy(all: Member[]): boolean {
    const standbys = all.filter(({ role }) => role === 'replica' || role === 'sync_standby')
    const leader = all.find(({ role }) => role === 'leader')
    return (
      leader?.state === 'running' &&
      standbys.length === nodes.length - 1 &&
      standbys.every(
        ({ state, timeline }) => /running|streaming/.test(state) && timeline === leader.timeline,
      ) &&
      standbys.some(({ role }) => role === 'sync_standby') === isSynchronous
    )
  }

  return {
    nodes,
    primary,
    /** A URL of a database on the primary, through one of the HAProxies. */
    url: (database: string, proxy = 0) =>
      `postgres://postgres:${PASSWORDS.PATRONI_SUPERUSER_PASSWORD}@127.0.0.1:${ports[proxy]}/${database}`,
    /** A URL that lists all nodes, without HAProxy. */
    hosts: (database: string) =>
      `postgres://postgres:${PASSWORDS.PATRONI_SUPERUSER_PASSWORD}@${nodes.map(({ ports }) => `127.0.0.1:${ports.postgres}`)}/${database}?target_session_attrs=read-write`,
    /** Waits until one node leads and the others follow it. */
    healthy: async (what: string, ms = RECOVERY_MS) =>
      void (await waitFor(what, async () => areHealthy(await members()) || pause(), ms)),
    /** Waits until another node is the primary. */
    replaced: async (old: Node) =>
      await waitFor(
        `a primary instead of ${old.name}`,
        async () => {
          for (const node of nodes)
            if (node !== old && (await node.ask('/primary'))?.status === 200) return node
          return pause()
        },
        RECOVERY_MS,
      ),
    async switchover(leader: Node): Promise<void> {
      const answer = await leader.ask('/switchover', 'POST', { leader: leader.name })
      if (answer?.status !== 200) throw new Error(`no switchover: ${answer?.status} ${answer?.body}`)
    },
    async setSynchronous(on: boolean): Promise<void> {
      const leader = await waitFor('a primary', primary)
      const answer = await leader.ask('/config', 'PATCH', {
        synchronous_mode: on,
        synchronous_mode_strict: on,
      })
      if (answer?.status !== 200) throw new Error(`synchronous_mode cannot be changed: ${answer?.status}`)
      isSynchronous = on
    },
  }
}

async function pause(): Promise<false> {
  await sleep(200)
  return false
}

type Start = (name: string, args: string[], log?: string) => Promise<Program>

/** @returns its port for clients. */
async function startEtcd(folder: string, start: Start): Promise<number> {
  const [clients, peers] = [await freePort(), await freePort()]
  const [own, other] = [`http://127.0.0.1:${clients}`, `http://127.0.0.1:${peers}`]
  const etcd = await start('etcd', [
    ...['--name', 'one', '--data-dir', join(folder, 'etcd'), '--enable-v2', '--unsafe-no-fsync'],
    ...['--listen-client-urls', own, '--advertise-client-urls', own],
    ...[
      '--listen-peer-urls',
      other,
      '--initial-advertise-peer-urls',
      other,
      '--initial-cluster',
      `one=${other}`,
    ],
  ])
  await waitFor('the start of etcd', async () => {
    await etcd.mustRun()
    return (await fetch(`${own}/health`).catch(() => null))?.ok || pause()
  })
  return clients
}

/** Before 3.0.3, Patroni can overwrite the leader's key of another node through etcd's third interface. */
async function storeOf(): Promise<Store> {
  const [major = 0, minor = 0, patch = 0] = (await versionOf('patroni')).split('.').map(Number)
  return major * 10_000 + minor * 100 + patch < 30_003 ? 'etcd' : 'etcd3'
}

async function startProxies(nodes: Node[], count: number, folder: string, start: Start): Promise<number[]> {
  const ports: number[] = []
  for (let i = 0; i < count; i++) {
    const port = await freePort()
    const text = await example('haproxy.cfg', [
      ['127.0.0.1:6432', `127.0.0.1:${port}`],
      ['check port 8008', 'check'],
      ...nodes.map(
        ({ name, ports }) => [`${name}:5432`, `127.0.0.1:${ports.postgres} port ${ports.patroni}`] as const,
      ),
    ])
    const file = join(folder, `haproxy-${i}.cfg`)
    await writeFile(file, text)
    await (await start('haproxy', ['-db', '-f', file], `haproxy-${i}`)).mustRun()
    ports.push(port)
  }
  return ports
}
