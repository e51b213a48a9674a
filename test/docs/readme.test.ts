/** The commands of the README do what it says. */
import t from 'tap'
import { seedDemo } from '../../demo/users.ts'
import { runHere } from '../support/command.ts'
import { isInstalled, runProgram } from '../support/run-program.ts'
import { startService } from '../support/service.ts'
import { readmeSection, readmeTable, shellBlocks } from './readme.ts'

const skip = (await isInstalled('curl', '--version')) || process.env.CI ? false : 'no curl here'

t.test("after the README's sign-out everywhere, both devices are signed out", { skip }, async (t) => {
  const { base, database } = await startService({ demo: true })
  await database.run(seedDemo)
  const [, signIn = '', flow = ''] = shellBlocks('Try it')
  const script = `set -eu\n${signIn}\n${flow}`.replace(/^URL=.*$/m, `URL=${base}`)

  const { stdout } = await runProgram('bash', ['-c', script])

  const statuses = [...stdout.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)
  t.same(statuses, ['200', '200', '200', '401', '401'])
  t.same(
    [...stdout.matchAll(/^x-user-id: (.*?)\r$/gim)].map(([, id]) => id),
    ['demo-ada', 'demo-ada'],
  )
  const checked = [...stdout.matchAll(/^x-session-id: (.*?)\r$/gim)].map(([, id]) => id)
  const answer = JSON.parse(/^\{"operationId".*?\}(?=HTTP|$)/m.exec(stdout)?.[0] ?? '{}')
  const revoked = answer.revoked.map(({ id }: { id: string }) => id)
  t.ok(checked.length === 2 && checked.every((id) => revoked.includes(id)), 'the answer names both')
})

t.test('the README lists every command, and its definition for a checkout works', async (t) => {
  const listed = readmeTable('The command line').flatMap(([commands = '']) =>
    [...commands.matchAll(/[a-z][a-z |\\]*/g)].flatMap(([names]) => {
      const [name = '', parts] = names.split(' ')
      return parts ? parts.split('\\|').map((part) => `${name} ${part}`) : [name]
    }),
  )
  const completion = runHere(['completion', 'bash'])
  await completion.ended
  const paths = [...completion.output().matchAll(/^ +'([a-z ]+)'\) words=/gm)].map(([, path = '']) => path)
  const leaves = paths.filter((path) => !paths.some((other) => other.startsWith(`${path} `)))
  t.same(listed.sort(), leaves.sort())

  const [define = ''] = shellBlocks('The command line')
  const { stdout } = await runProgram('bash', ['-c', `${define}\nglobal-logout --version`])
  t.match(stdout, /^\d+\.\d+\.\d+\n$/)
  t.match(readmeSection('The command line'), 'DATABASE_URL')
})
