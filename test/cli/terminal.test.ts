/** The command line on a terminal: every way to decline changes nothing, and output fits the width. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { table } from '../../src/cli/table.ts'
import { testDatabase } from '../support/database.ts'
import { FASTER, plainNode } from '../support/plain-node.ts'
import { shellWord } from '../support/shell.ts'
import { nextEvent } from '../support/within.ts'

const bin = fileURLToPath(new URL('../../bin/global-logout.js', import.meta.url))
const database = await testDatabase()
const { psql } = database
const { PATH, NODE_COMPILE_CACHE } = process.env
const skip = existsSync('/usr/bin/script') || process.env.CI ? false : 'script(1) is not installed'

/** Runs the command on a terminal with this many columns; types `keys` at a prompt. */
async function onTerminal(args: string[], { columns = 80, keys = '' } = {}) {
  const words = plainNode(FASTER, bin, ...args)
    .flat()
    .map(shellWord)
    .join(' ')
  const child = spawn('script', ['-qec', `stty cols ${columns} && ${words}`, '/dev/null'], {
    env: { PATH, NODE_COMPILE_CACHE, DATABASE_URL: database.url, TERM: 'xterm' },
  })
  t.teardown(() => child.kill('SIGKILL'))
  let output = ''
  let typed = false
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk
    if (!typed && output.includes('[y/N] ')) {
      typed = true
      child.stdin.write(keys)
    }
  })
  const [code] = await nextEvent(`the end of ${args.join(' ')}`, child, 'close')
  return { code, output: output.replaceAll('\r', '') }
}
const activeSessions = async () => (await psql(`select from session where "userId" = 'ada'`)).length

t.before(async () => {
  await psql(`insert into "user" (id, name, email) values ('ada', 'Ada Lovelace', 'ada@example.com')`)
  await psql(
    `insert into session ("sessionToken", "userId", expires, "ipAddress", "userAgent")
     select 'token' || n, 'ada', now() + interval '1 day', '2001:db8:41:7::12',
       'Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0' from generate_series(1, 3) n`,
  )
})

t.test('a user who does not answer yes changes nothing, and sees that', { skip }, async (t) => {
  for (const [how, keys] of Object.entries({
    'a no': 'n\n',
    Enter: '\n',
    'Ctrl-C': '\u0003',
    'Ctrl-D': '\u0004',
    'half a yes, then Ctrl-C': 'ye\u0003',
  })) {
    const { code, output } = await onTerminal(['revoke', 'ada', '--reason', 'x'], { keys })
    t.equal(code, how.includes('Ctrl-C') ? 130 : 1, how)
    t.match(output, /End 3 sessions of Ada Lovelace <ada@example.com>\? \[y\/N\]/, how)
    t.match(output, /^Nothing was changed\.$/m, how)
    t.equal(await activeSessions(), 3, how)
  }
})

t.test('a plan is shown before it is executed, with its numbers in the question', { skip }, async (t) => {
  const planned = await onTerminal(['incident', 'plan', '--user', 'ada', 'adda', '--reason', 'x', '--json'])
  const { planId } = JSON.parse(planned.output)
  const refused = await onTerminal(['incident', 'execute', planId], { keys: 'n\n' })
  t.match(refused, {
    code: 1,
    output: /2001:db8:41:7::12.*End 3 sessions of 1 user\? This cannot be undone/s,
  })
  t.match(
    refused.output,
    'Ids that no user has here: adda.',
    'the user who executes a plan may not have planned it',
  )
  t.equal(await activeSessions(), 3)
  const done = await onTerminal(['incident', 'execute', planId], { keys: 'yes\n' })
  t.match(done, { code: 0, output: /: done\n.*3 sessions of 1 user/s })
  t.equal(await activeSessions(), 0)
})

t.test('CSV has one line for each record, after a line of column names', { skip }, async (t) => {
  const { code, output } = await onTerminal(['audit', 'list', '--csv'])
  t.equal(code, 0)
  const records = output.trimEnd().split('\n')
  t.equal(records.length, 1 + (await psql('select from operation')).length)
  t.match(records[0], /^"at","kind",.*,"id"$/)
  t.match(records[1], /^"\d{4}-.*"$/)
  t.notMatch(output, '\u{fffd}')
})

t.test('rows of lists fit 80 columns on one line, with times to the second', { skip }, async (t) => {
  const rows = async (...args: string[]) =>
    (await onTerminal(args)).output
      .split('\n')
      .filter((line) => /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ /.test(line))
  await psql(
    `insert into session ("sessionToken", "userId", expires, "ipAddress", "userAgent")
     select 'more' || n, 'ada', now() + interval '1 day', '203.0.113.7', 'Laptop/1.0' from generate_series(1, 3) n`,
  )
  const sessions = await rows('sessions', 'ada')
  t.equal(sessions.length, 3)
  for (const row of sessions) t.match(row, /Z {2}[0-9a-f]{8} {2}203\.0\.113\.7 {2}\S/)
  const operations = await rows('audit', 'list')
  t.ok(operations.length >= 3)
  for (const row of operations) t.match(row, /Z {2}[0-9a-f]{8} {2}incident\.\w+ /)
  t.match((await onTerminal(['audit', 'list', '--wide'])).output, /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/)
})

t.test('no line is wider than the terminal', { skip }, async (t) => {
  for (const columns of [80, 120])
    for (const args of [['doctor'], ['sessions', 'ada'], ['user', 'show', 'ada'], ['audit', 'list']]) {
      const { output } = await onTerminal(args, { columns })
      const widest = Math.max(...output.split('\n').map((line) => line.length))
      t.ok(widest <= columns, `${args.join(' ')}: ${widest} of ${columns}`)
    }
})

t.test('a table fits the terminal without losing text', async (t) => {
  const rows = [['ada', 'Firefox on Linux', '0f6e6b78-1c5d-4b7e-9f3a-2d1c0b9a8e7f', 'seen']]
  const head = ['user', 'device', 'session', 'state']
  t.equal(table(head, rows).split('\n').length, 2, 'in a pipe, each row is one line')
  t.equal(
    table(head, rows, 58),
    [
      'USER  DEVICE',
      '    SESSION                               STATE',
      'ada   Firefox on Linux',
      '    0f6e6b78-1c5d-4b7e-9f3a-2d1c0b9a8e7f  seen',
    ].join('\n'),
  )
  const sentence = 'this machine and the database are 9.0 s apart: run NTP on both.'
  const wrapped = table(['', 'what', 'found'], [['warning', 'clocks', sentence]], 60)
  t.equal(wrapped.replaceAll(/\s+/g, ' '), ` WHAT FOUND warning clocks ${sentence}`)
  t.ok(wrapped.split('\n').every((line) => line.length <= 60))
})
