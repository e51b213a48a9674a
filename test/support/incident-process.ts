/**
 * Runs an incident as a process, and prints how many sessions have ended. It kills itself at a given point.
 */
import { readConfig } from '../../src/config.ts'
import { silentLog } from '../../src/lib/log.ts'
import { createServices } from '../../src/services.ts'
import { runIncident } from '../../src/staff/incidents/run.ts'
import type { Death } from './incidents.ts'

const [url = '', id = '', batch = '', death = ''] = process.argv.slice(2)
const dies = JSON.parse(death) as Death
const config = readConfig({ DATABASE_URL: url })
const { pools, barrier, close } = createServices(config, silentLog, { url, deadlineMs: 10_000 })
const die = (by: NodeJS.Signals = 'SIGKILL') => process.kill(process.pid, by)

const wait = (xid: string) => {
  if (dies === 'before the report') die()
  return barrier.wait(xid)
}
let batches = -1
const onProgress = ({ ended }: { ended: number }) => {
  if (typeof dies === 'object' && ++batches === dies.afterBatches) die(dies.by)
  process.stdout.write(`${ended}\n`)
}

const mine = await runIncident(pools.incidents, { wait }, id, { batch: Number(batch), onProgress })
await close()
process.exitCode = mine ? 0 : 3
