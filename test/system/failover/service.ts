/** The service on a cluster: a database of its own for each run, simulated users, instances, and the command line. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { migrate } from '../../../src/database/migrate.ts'
import { FASTER } from '../../support/plain-node.ts'
import { admin } from '../../support/server.ts'
import type { Mode } from '../prove/faults.ts'
import type { History } from '../prove/history.ts'
import { type Instance, startInstance } from '../prove/instances.ts'
import { createUsers } from '../prove/users.ts'
import type { Cluster } from './cluster.ts'

const bin = fileURLToPath(new URL('../../../bin/global-logout.js', import.meta.url))

export interface ServiceOptions {
  /** Connections to its own database. */
  name: string
  mode: Mode
  /** As in `Plan`. */
  listsHosts?: boolean | undefined
  instances: number
  users: number
}

export type Service = Awaited<ReturnType<typeof startService>>

export async function startService(cluster: Cluster, history: History, options: ServiceOptions) {
  const { name, mode } = options
  const closing: (() => unknown)[] = []
  const close = async () => {
    for (const step of closing.splice(0).reverse()) await step()
  }
  const url = cluster.url(name)
  /** The output of a command, which may fail. */
  async function command(...args: string[]): Promise<string> {
    return await new Promise((printed) => {
      const env = { PATH: process.env.PATH, DATABASE_URL: url }
      execFile(process.execPath, [FASTER, bin, ...args], { env }, (_, stdout, stderr) =>
        printed(stdout || stderr),
      )
    })
  }
  try {
    await admin(cluster.url('postgres'), (client) => client.query(`create database ${name}`))
    await migrate(url)
    const users = await createUsers(url, history, options.users)
    closing.push(users.close)
    const instances: Instance[] = []
    const starting = Array.from({ length: options.instances }, async (_, number) => {
      const databaseUrl = options.listsHosts && number > 0 ? cluster.hosts(name) : cluster.url(name, number)
      const instance = await startInstance(number, { databaseUrl, mode })
      closing.push(instance.close)
      instances[number] = instance
    })
    for (const started of await Promise.allSettled(starting))
      if (started.status === 'rejected') throw started.reason
    return {
      users,
      instances,
      command,
      /** The sum of a counter over all instances; 0 where they do not count it. */
      async sum(counter: string): Promise<number> {
        const texts = await Promise.all(
          instances.map(({ wire }) => wire.ask('GET /metrics HTTP/1.1\r\nHost: failover\r\n\r\n')),
        )
        const lines = texts
          .flatMap(({ body }) => body.split('\n'))
          .filter((line) => line.startsWith(`${counter} `))
        return lines.reduce((sum, line) => sum + Number(line.slice(counter.length)), 0)
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
