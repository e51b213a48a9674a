/** Every wait of a test has a limit, and its error names what the test waited for. */
import { EventEmitter } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import t from 'tap'
import { boundedFetch } from './bounded-fetch.ts'
import { listen } from './ports.ts'
import { runProgram } from './run-program.ts'
import { nextEvent, waitFor, within } from './within.ts'

t.test('a condition that never holds, and one that never answers, are named in the error', async (t) => {
  await t.rejects(
    waitFor('the lease to end', () => false, 20),
    { message: 'the lease to end: not within 0.02 seconds' },
  )
  await t.rejects(
    waitFor('the server to answer', () => new Promise<boolean>(() => {}), 20),
    { message: 'the server to answer: not within 0.02 seconds' },
  )
  await t.rejects(within('the answer', new Promise(() => {}), 20), { message: /the answer: not within/ })
})

t.test('waitFor returns the result of the condition, and throws its error', async (t) => {
  let asked = 0
  t.equal(await waitFor('the third answer', async () => ++asked >= 3 && `answer ${asked}`), 'answer 3')
  await t.rejects(
    waitFor('an answer', async () => {
      throw new Error('refused')
    }),
    { message: 'refused' },
  )
})

t.test('nextEvent takes the first of several events, and names one that never comes', async (t) => {
  const emitter = new EventEmitter()
  const answered = nextEvent('an answer', emitter, ['response', 'upgrade'])
  emitter.emit('upgrade', 'websocket')
  t.same(await answered, ['websocket'])
  await t.rejects(nextEvent('an answer', emitter, 'response', 20), { message: /an answer: not within/ })
  const failed = nextEvent('an answer', emitter, 'response')
  emitter.emit('error', new Error('reset'))
  await t.rejects(failed, { message: 'reset' })
  t.same(emitter.eventNames(), [], 'no listener is left')
})

t.test('a program that hangs is killed and named; one that fails is not reported as a hang', async (t) => {
  await t.rejects(runProgram('sleep', ['600'], { timeout: 50 }), {
    message: 'the end of "sleep 600": not within 0.05 seconds',
  })
  await t.rejects(runProgram('false', []), { code: 1 })
  t.match(await runProgram('echo', ['hello']), { stdout: 'hello\n' })
})

t.test('a server that never answers, and a body that never ends, are named in the error', async (t) => {
  const server = createServer((request, response) => {
    if (request.url === '/body') response.writeHead(200).write('the beginning')
    if (request.url === '/whole') response.end('all of it')
  })
  const base = `http://127.0.0.1:${await listen(server)}`
  t.teardown(() => server.close().closeAllConnections())
  await t.rejects(boundedFetch(`${base}/answer`, {}, 50), {
    message: /the answer to GET .*\/answer: not within/,
  })
  const response = await boundedFetch(`${base}/body`, {}, 3_000)
  await t.rejects(response.text(), { message: /the end of the answer to GET .*\/body: not within/ })
  t.equal(await (await boundedFetch(`${base}/whole`)).text(), 'all of it')
})

/** The helper with a limit for each function that has none, and the files that may use the function. */
const UNLIMITED = {
  'nextEvent in place of once': [/import \{[^}]*\bonce\b[^}]*\} from 'node:events'/, ['support/within.ts']],
  'runProgram in place of execFile': [
    /import \{[^}]*\bexec(File)?(Sync)?\b[^}]*\} from 'node:child_process'/,
    // These are programs, not tests, except for run-program.ts.
    [
      'database/make-baseline.ts',
      'support/run-program.ts',
      'support/run.ts',
      'system/failover/service.ts',
      'system/prove/cluster.ts',
    ],
  ],
  'boundedFetch in place of fetch': [
    /[^.\w]fetch\(/,
    // In pages, which browserTest limits; inside the client under test, which has its own limits; in
    // programs, not tests.
    [
      'client/browser.test.ts',
      'client/imports.test.ts',
      'client/leased-client.test.ts',
      'client/next-suite.ts',
      'client/runtime-application.ts',
      'client/sockets.test.ts',
      'support/bounded-fetch.ts',
      'system/browser/replays.test.ts',
      'system/browser/tabs.test.ts',
      'system/failover/cluster.ts',
      'system/failover/node.ts',
    ],
  ],
} as const

const root = new URL('../', import.meta.url)
const files = (await readdir(root, { recursive: true })).filter(
  (file) => file.endsWith('.ts') && !file.includes('node_modules/'),
)

for (const [rule, [pattern, allowed]] of Object.entries(UNLIMITED))
  t.test(`a test that hangs ends, and is named: ${rule}`, async (t) => {
    const found: string[] = []
    for (const file of files) {
      if (pattern.test(await readFile(new URL(file, root), 'utf8'))) found.push(file)
    }
    t.same(found.sort(), allowed)
  })
