/** No raw token is in the database, its files, its log or the service's log. */
import { createDatabaseSessions } from '@global-logout/postgres'
import { drizzle } from 'drizzle-orm/node-postgres'
import t from 'tap'
import { hashToken } from '../../src/database/token-hash.ts'
import { openTestDatabase } from '../support/database.ts'
import { ownServer } from '../support/own-server.ts'
import { runProgram } from '../support/run-program.ts'
import { admin } from '../support/server.ts'
import { json, startService } from '../support/service.ts'

t.test(
  'no raw token in a dump, in the server log with all parameters, or in the service log at trace',
  async (t) => {
    const server = await ownServer({
      log_statement: 'all',
      log_parameter_max_length: '-1',
      log_min_duration_statement: '0',
      log_parameter_max_length_on_error: '-1',
    })
    const log: string[] = []
    const service = await startService({
      database: openTestDatabase(server.url),
      log,
      demo: true,
    })
    const ada = await service.addUser('ada')
    const tokens: string[] = []
    const minted = async () => {
      const { token, id } = await service.signIn(ada)
      tokens.push(token)
      return { token, id }
    }

    // Every way in which the service gets a token, valid or not.
    const [one, two, three, four] = [await minted(), await minted(), await minted(), await minted()]
    for (const path of [
      '/check',
      '/check/x?y',
      '/api/session',
      '/api/sessions',
      '/',
      '/logout',
      '/signed-out',
    ])
      await service.as(one.token, path)
    await service.http(`/check?token=${two.token}`, { headers: { authorization: `Bearer ${two.token}` } })
    await service.http(`/api/session?access_token=${two.token}`)
    await service.http('/check', {
      headers: { cookie: `${service.cookieName}=${one.token}; ${service.cookieName}=${two.token}` },
    })
    await service.as(one.token, '/api/logout', json({ scope: 'wrong', callbackUrl: 'https://x.example' }))
    await service.as(one.token, `/api/sessions/${two.id}`, { method: 'DELETE' })
    await service.as(three.token, '/api/logout', json({ scope: 'local' }))
    await service.as(three.token, '/api/logout', json({ scope: 'local' }))
    await service.sessions.create({ userId: ada, replaces: four.token, userAgent: null, ipAddress: null })
    await service.lastSeen.flush()
    await admin(server.url, async (client) => {
      const sessions = createDatabaseSessions({ db: drizzle(client) })
      const token = 'token-of-another-store-0123456789abcdefgh'
      tokens.push(token)
      const request = { headers: { authorization: `Bearer ${token}` } }
      const held = { user: { id: 'bob' }, takeOver: { token, expires: new Date(Date.now() + 60_000) } }
      await sessions.create(held)
      t.match(await sessions.check(request), { userId: 'bob' })
      await sessions.logout(request)
      await t.rejects(sessions.create(held), { code: 'session_over' })
    })
    await admin(server.url, (client) => client.query('alter table session rename to away'))
    await service.as(one.token, '/api/logout', json({ scope: 'global' }))
    await service.as(one.token, '/api/session')
    await admin(server.url, (client) => client.query('alter table away rename to session'))
    await service.as(one.token, '/api/logout', json({ scope: 'global' }))

    const dump = await admin(
      server.url,
      async (client) =>
        (await client.query(`select database_to_xml(true, false, '')::text as xml`)).rows[0].xml as string,
    )
    await admin(server.url, (client) => client.query('checkpoint'))
    const serverLog = await server.log()
    const hash = hashToken(tokens[0] ?? '')
    t.ok(dump.includes(hash) && serverLog.includes(hash), 'the hashes are found, so the search works')
    t.match(log.join(''), '"path":"/api/session"', 'the service did log, without query strings')
    t.match(serverLog, /parameters?: \$1 = /i, 'the server did log parameters')
    t.equal(tokens.length, 5)
    for (const token of tokens) {
      t.notOk(dump.includes(token), 'not in the dump')
      t.notOk(serverLog.includes(token), 'not in the server log')
      t.notOk(log.join('').includes(token), 'not in the service log')
      // A token may begin with a dash, which grep would take for an option.
      const found = await runProgram('grep', ['-rlaF', '-e', token, server.folder]).then(
        ({ stdout }) => stdout,
        (error) => (error.code === 1 ? '' : Promise.reject(error)),
      )
      t.equal(found, '', 'in no file of the database, write-ahead log included')
    }
  },
)
