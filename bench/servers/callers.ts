/**
 * Many callers in one process: each holds a lease of a service over HTTP, and checks sessions in its own memory.
 * `GET /?token=TOKEN&callers=N` checks a token on the first N: how many say that it is valid, and how many of them asked no service.
 *
 *     node callers.ts CALLERS URL…
 */
import { createServer } from 'node:http'
import { createClient } from '@global-logout/client'
import { host, port } from './common.ts'

const [count, ...urls] = process.argv.slice(2)
const callers = Array.from({ length: Number(count) }, (_, n) => {
  const asked = { times: 0 }
  const client = createClient({
    url: urls[n % urls.length] ?? '',
    key: process.env.SERVICE_KEY,
    checks: 'leased',
    fetch: (input, init) => {
      if (String(input).endsWith('/check')) asked.times++
      return fetch(input, init)
    },
  })
  return { client, asked }
})

createServer(async (request, response) => {
  const { searchParams } = new URL(request.url ?? '/', 'http://callers')
  const headers = { authorization: `Bearer ${searchParams.get('token')}` }
  const some = callers.slice(0, Number(searchParams.get('callers')))
  const answers = await Promise.all(
    some.map(async ({ client, asked }) => {
      const before = asked.times
      const valid = (await client.check({ headers })) !== null
      return { valid, fromMemory: asked.times === before }
    }),
  )
  const valid = answers.filter((answer) => answer.valid)
  const fromMemory = valid.filter((answer) => answer.fromMemory)
  response.end(JSON.stringify({ valid: valid.length, fromMemory: fromMemory.length }))
}).listen(port, host)
process.once('SIGTERM', () =>
  Promise.all(callers.map(({ client }) => client.close())).then(() => process.exit(0)),
)
