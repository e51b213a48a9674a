/** Help, version and usage errors load no library but commander, so that they are printed at once. */
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { commandsBelow, createProgram, pathOf } from '../../src/program.ts'
import { run } from '../support/command.ts'
import { plainNode } from '../support/plain-node.ts'
import { runProgram } from '../support/run-program.ts'

const cli = new URL('../../src/program.ts', import.meta.url)
const root = fileURLToPath(new URL('../..', import.meta.url))

/** Writes the URL of each loaded module to a line of standard error. */
const RECORDER = `data:text/javascript,${encodeURIComponent(`
import { registerHooks } from 'node:module'
import { writeSync } from 'node:fs'
registerHooks({
  load(url, context, next) {
    writeSync(2, 'loaded: ' + url + String.fromCharCode(10))
    return next(url, context)
  },
})`)}`

/** Runs command lines in one process, and prints each with its exit code. */
const RUN_EACH = `
const { main } = await import(${JSON.stringify(cli.href)})
process.stdout.setMaxListeners(0)
for (const args of JSON.parse(process.argv[1]))
  process.stdout.write('\\nexit ' + (await main(args, {}, '1.2.3')) + ': ' + args.join(' ') + '\\n')`

const loadedBy = (stderr: string) => [...stderr.matchAll(/^loaded: (.*)$/gm)].map(([, url = '']) => url)
/** The packages that contain the modules. */
const packagesOf = (urls: string[]) =>
  new Set(urls.flatMap((url) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? []))

const commands = commandsBelow(createProgram({}, '0', () => {})).map((command) =>
  pathOf(command).split(' ').slice(1),
)
const answered = [[], ...commands].flatMap((words) => [
  [...words, '--help'],
  [...words, '--version'],
])
const usageErrors = [[], ['strat'], ['revoke', 'ada'], ['incident', 'plan', '--nope'], ['keys']]

t.test('help, version and usage errors of every command load no library but commander', async (t) => {
  t.ok(answered.length > 40)
  const lines = JSON.stringify([...answered, ...usageErrors])
  const { stdout, stderr } = await runProgram(
    ...plainNode('--import', RECORDER, '--input-type=module', '-e', RUN_EACH, lines),
  )
  for (const args of answered) t.match(stdout, `\nexit 0: ${args.join(' ')}\n`)
  for (const args of usageErrors) t.match(stdout, `\nexit 2: ${args.join(' ')}\n`)
  t.equal(stdout.match(/^1\.2\.3$/gm)?.length, answered.length / 2, 'each prints the version')
  t.same(packagesOf(loadedBy(stderr)), new Set(['commander']))
})

t.test('the file that a shell runs loads no library but commander, too', async (t) => {
  const help = run(['--help'], { cwd: root, node: ['--import', RECORDER] })
  t.equal(await help.ended, 0)
  t.same(packagesOf(loadedBy(help.output())), new Set(['commander']))
})
