/** Every command of docs/any-language.md works, in order, with the answer that the page shows. */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { IN_SHELL } from '../support/command.ts'
import { isInstalled, runProgram } from '../support/run-program.ts'
import { startService } from '../support/service.ts'

const skip = (await isInstalled('curl', '--version')) || process.env.CI ? false : 'no curl here'
const root = fileURLToPath(new URL('../..', import.meta.url))

t.test('a user signs in, is checked, and signs out everywhere with curl only', { skip }, async (t) => {
  const service = await startService()
  const page = await readFile(`${root}/docs/any-language.md`, 'utf8')
  const commands = [...page.matchAll(/```sh\n(.*?)```/gs)].map(([, block = '']) => block).join('\n')
  const script = `set -eu
    ${IN_SHELL}
    ${commands.replace(/^SERVICE=.*$/m, `SERVICE=${service.base}`)}`
  const { stdout } = await runProgram('bash', ['-c', script], {
    cwd: root,
    env: { PATH: process.env.PATH, DATABASE_URL: service.database.url },
  })
  const [made] = /\{"token":.*?\}\}\}/.exec(stdout) ?? ['{}']
  t.match(JSON.parse(made), {
    sessionId: String,
    cookie: { name: 'authjs.session-token', attributes: { httpOnly: true } },
  })
  const statuses = [...stdout.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)
  t.same(statuses, ['200', '200', '200', '401'])
  t.same(
    [...stdout.matchAll(/^x-user-id: (.*?)\r$/gim)].map(([, id]) => id),
    ['ada', 'ada'],
  )
  const [signedOut] = /^\{"operationId".*?\}(?=HTTP|$)/m.exec(stdout) ?? ['{}']
  t.equal(JSON.parse(signedOut).revoked.length, 3)
  t.match(stdout, '"code":"invalid_token"')
})
