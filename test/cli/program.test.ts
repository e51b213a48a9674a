/** The command line: output and exit codes. */
import t from 'tap'
import { explain } from '../../src/cli/explain.ts'
import { outcomeUnknown } from '../../src/database/failures.ts'
import { commandsBelow, createProgram, pathOf } from '../../src/program.ts'
import { run } from '../support/command.ts'

async function result(args: string[], options: Parameters<typeof run>[1] = {}) {
  const started = run(args, options)
  return { code: await started.ended, output: started.output() }
}

t.test('--help and --version print and exit with 0', async (t) => {
  const help = await result(['--help'])
  t.equal(help.code, 0)
  for (const word of ['start', 'migrate', 'DATABASE_URL', 'Examples', 'Exit codes'])
    t.match(help.output, word)
  t.match(await result(['-v']), { code: 0, output: /^\d+\.\d+\.\d+\n$/ })
})

t.test('wrong usage exits with 2 and names the help to read', async (t) => {
  for (const [args, help] of [
    [[], 'global-logout --help'],
    [['strat'], 'global-logout --help'],
    [['--nope'], 'global-logout --help'],
    [['start', 'now'], 'global-logout start --help'],
    [['revoke', 'ada'], 'global-logout revoke --help'],
    [['incident', 'paln'], 'global-logout incident --help'],
    [['keys', 'create', '--name', 'x'], 'global-logout keys create --help'],
  ] as const) {
    const { code, output } = await result([...args])
    t.equal(code, 2, args.join(' '))
    t.match(output, `Try "${help}".`)
    t.equal(output.trim().split('\n').length, 1, 'one line')
  }
})

t.test('the help of every command has examples and explains exit codes', async (t) => {
  const program = createProgram({}, '0', () => {})
  const all = commandsBelow(program).filter(({ commands }) => commands.length === 0)
  t.ok(all.length > 15)
  for (const command of all) {
    const path = pathOf(command)
    let help = ''
    command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp()
    t.match(help, new RegExp(`^Examples?\\n(.*\\n)*? .*${path}\\b`, 'm'), path)
    t.match(help, 'Exit codes: 0 done', path)
  }
})

t.test('a change with an unknown outcome is not reported as failed', async (t) => {
  t.match(explain(outcomeUnknown(new Error('Connection terminated'))), /may have been made/)
})

t.test('wrong settings exit with 2, each on its own line', async (t) => {
  const { code, output } = await result(['start'], {
    env: { PORT: 'many', LOG_LEVEL: 'loud', DATABASE_URL: 'postgres://x' },
  })
  t.equal(code, 2)
  t.match(output, /^ {2}PORT: /m)
  t.match(output, /^ {2}LOG_LEVEL: /m)
  t.notMatch(output, /\bat .*\.ts/, 'no stack trace')
})

t.test('migrate names the missing setting, or the database that does not answer', async (t) => {
  t.match(await result(['migrate']), { code: 2, output: /DATABASE_URL/ })
  t.match(await result(['migrate'], { env: { DATABASE_URL: 'postgres://127.0.0.1:1/x' } }), {
    code: 1,
    output: /no database answers/,
  })
})

t.test('an unsupported Node prints one clear line', async (t) => {
  const older = `data:text/javascript,Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.11.1' } })`
  const { code, output } = await result(['start'], { node: ['--import', older] })
  t.equal(code, 2)
  t.match(output, /^global-logout needs Node >=22\.18; this is 20\.11\.1\. .*\n$/)
})
