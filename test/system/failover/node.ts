/**
 * One machine of the cluster: Patroni and the PostgreSQL that it runs, from `examples/patroni/patroni.yml`. It can be killed
 * and frozen, as a whole or Patroni alone. Replication reaches its PostgreSQL through a proxy, which can cut it.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../support/ports.ts'
import { killServer, signalServer } from '../../support/server-processes.ts'
import { onExit } from '../prove/leftovers.ts'
import { startProxy } from '../prove/proxy.ts'
import { example } from './examples.ts'
import { type Program, startProgram } from './program.ts'

export const PASSWORDS = {
  PATRONI_SUPERUSER_USERNAME: 'postgres',
  PATRONI_SUPERUSER_PASSWORD: 'of-the-superuser',
  PATRONI_REPLICATION_USERNAME: 'replicator',
  PATRONI_REPLICATION_PASSWORD: 'of-the-replicator',
  PATRONI_RESTAPI_USERNAME: 'patroni',
  PATRONI_RESTAPI_PASSWORD: 'of-the-interface',
}
/** A frozen Patroni does not answer. A switchover answers when it is done. */
const ASK_MS = { GET: 1_000, PATCH: 10_000, POST: 60_000 }
const AUTHORIZATION = `Basic ${btoa(`${PASSWORDS.PATRONI_RESTAPI_USERNAME}:${PASSWORDS.PATRONI_RESTAPI_PASSWORD}`)}`

export interface NodeOptions {
  name: string
  folder: string
  /** What all nodes have in common. */
  edits: readonly (readonly [find: string, replace: string])[]
}

export interface Answer {
  status: number
  body: string
}

export type Node = Awaited<ReturnType<typeof prepareNode>>

/** Writes the configuration of a node and starts its proxy; `start` starts it. */
export async function prepareNode({ name, folder, edits }: NodeOptions) {
  const ports = { patroni: await freePort(), postgres: await freePort() }
  const proxy = await startProxy(ports.postgres)
  const data = join(folder, name)
  const file = join(folder, `${name}.yml`)
  const text = await example('patroni.yml', [
    ['name: db1', `name: ${name}`],
    ['0.0.0.0:8008', `127.0.0.1:${ports.patroni}`],
    ['db1:8008', `127.0.0.1:${ports.patroni}`],
    ['0.0.0.0:5432', `127.0.0.1:${ports.postgres}`],
    ['db1:5432', `127.0.0.1:${proxy.port}`],
    ['/var/lib/postgresql/15/app', data],
    ['/var/lib/postgresql/patroni.pgpass', join(folder, `${name}.pgpass`)],
    // Debian's folder for sockets belongs to the user postgres.
    ['password_encryption:', `unix_socket_directories: ${folder}\n    password_encryption:`],
    ...edits,
  ])
  await writeFile(file, text)
  let patroni: Program | undefined
  const forget = onExit(() => killServer(data))

  async function killAll(): Promise<void> {
    await patroni?.kill()
    killServer(data)
  }

  return {
    name,
    ports,
    proxy,
    async start(): Promise<void> {
      patroni = await startProgram('patroni', [file], { env: PASSWORDS, log: join(folder, `${name}.log`) })
    },
    /** @throws Error when Patroni has ended by itself. */
    mustRun: async () => patroni?.mustRun(),
    /** Every process at once; nothing is flushed and no client is notified. */
    kill: killAll,
    freeze(): void {
      patroni?.signal('SIGSTOP')
      signalServer(data, 'SIGSTOP')
    },
    thaw(): void {
      signalServer(data, 'SIGCONT')
      patroni?.signal('SIGCONT')
    },
    freezeManager: () => patroni?.signal('SIGSTOP'),
    thawManager: () => patroni?.signal('SIGCONT'),
    /**
     * Cuts its standbys off. @returns a function that closes their connections and drops the traffic in
     * flight.
     */
    cutReplication(): () => void {
      const connections = proxy.connections()
      for (const { answers } of connections) answers.pause()
      return () => {
        for (const { asks } of connections) asks.destroy()
      }
    },
    /** A request to Patroni's interface. @returns null when it does not answer. */
    async ask(path: string, method: keyof typeof ASK_MS = 'GET', body?: object): Promise<Answer | null> {
      try {
        const answer = await fetch(`http://127.0.0.1:${ports.patroni}${path}`, {
          method,
          headers: { authorization: AUTHORIZATION },
          signal: AbortSignal.timeout(ASK_MS[method]),
          ...(body && { body: JSON.stringify(body) }),
        })
        return { status: answer.status, body: await answer.text() }
      } catch {
        return null
      }
    },
    async stop(): Promise<void> {
      await killAll()
      // A frozen process dies as well, but a child that it has forked meanwhile is found only now.
      await sleep(50)
      killServer(data)
      await proxy.close()
      forget()
    },
  }
}
