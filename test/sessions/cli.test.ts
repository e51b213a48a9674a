/** `global-logout sweep`, as an operator uses it. */
import t from 'tap'
import { runHere } from '../support/command.ts'
import { testDatabase } from '../support/database.ts'

const { url, psql } = await testDatabase()

t.test('sweep deletes expired sessions, and prints how many', async (t) => {
  await psql(`insert into "user" (id) values ('ada')`)
  await psql(
    `insert into session ("sessionToken", "userId", expires)
     values ('dead', 'ada', now() - interval '1 day'), ('active', 'ada', now() + interval '1 day')`,
  )
  const sweep = runHere(['sweep'], { env: { DATABASE_URL: url } })
  t.equal(await sweep.ended, 0)
  t.match(sweep.output(), '1 expired session deleted.')
  t.same(await psql('select "sessionToken" from session'), [{ sessionToken: 'active' }])
})
