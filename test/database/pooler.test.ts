/** A pooler in transaction mode: `start` refuses it, and `doctor` finds it. */
import t from 'tap'
import { refuseTransactionPooler } from '../../src/database/pooler.ts'
import { run } from '../support/command.ts'
import { testDatabase } from '../support/database.ts'
import { startTransactionPooler } from '../support/transaction-pooler.ts'

const { url } = await testDatabase()
const pooled = await startTransactionPooler(url)
const MESSAGE = /127\.0\.0\.1:\d+ is a pooler in transaction mode.*DATABASE_URL must bypass it/

t.test('a start is refused', async (t) => {
  const started = run(['start'], { env: { DATABASE_URL: pooled } })
  t.equal(await started.ended, 1)
  t.match(started.output(), MESSAGE)
})

t.test('doctor finds it', async (t) => {
  const doctor = run(['doctor', '--json'], { env: { DATABASE_URL: pooled } })
  t.equal(await doctor.ended, 1)
  const findings = JSON.parse(doctor.stdout()) as { level: string; what: string; detail: string }[]
  t.match(
    findings.find(({ what }) => what === 'pooler'),
    { level: 'problem', detail: MESSAGE },
  )
})

t.test('a direct connection to PostgreSQL is accepted', async () => refuseTransactionPooler(url))
