/** Carries an incident out as a process of its own, and prints how many sessions are ended; dies when it is told to. */
import { createBarrier } from '../../src/propagation/barrier.ts'
import { runIncident } from '../../src/security/run-incident.ts'
import { openDatabase } from '../../src/storage/database.ts'
import { barrierStore } from '../../src/storage/instances.ts'
import type { Death } from './incidents.ts'

const [url = '', id = '', batch = '', death = ''] = process.argv.slice(2)
const dies = JSON.parse(death) as Death
const database = openDatabase(url, { max: 2, deadlineMs: 10_000 })
const barrier = createBarrier(barrierStore(database.run))
const die = () => process.kill(process.pid, 'SIGKILL')

const passed = (xid: string) => {
  if (dies === 'before the report') die()
  return barrier.passed(xid)
}
let batches = -1
const onProgress = ({ ended }: { ended: number }) => {
  if (typeof dies === 'object' && ++batches === dies.afterBatches) die()
  process.stdout.write(`${ended}\n`)
}

const mine = await runIncident(database, { passed }, id, { batch: Number(batch), onProgress })
await database.close()
process.exitCode = mine ? 0 : 3
