/** docs/gateways.md lists the contract tests, and each gateway's answer where they differ. */
import { readFile } from 'node:fs/promises'
import t from 'tap'
import { contract } from '../system/gateways/contract.ts'
import { REFUSED } from '../system/gateways/outage.ts'

const text = await readFile(new URL('../../docs/gateways.md', import.meta.url), 'utf8')
const [, section = ''] = text.split('\n## What each must answer\n')
const [table = ''] = section.split('\n## ')
const rows = table
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .map((line) => line.split('|').map((cell) => cell.trim()))
const [head = [], , ...cases] = rows

t.test('the rows of docs/gateways.md are the contract tests', async (t) => {
  t.same(
    cases.map(([, name]) => name),
    Object.keys(contract),
  )
})

t.test('where gateways differ, the table states what the tests expect', async (t) => {
  t.same(head.slice(2, 5), ['nginx', 'Caddy', 'HAProxy'])
  for (const [situation, { nginx, caddy, haproxy }] of Object.entries(REFUSED)) {
    const word = { undecided: 'cannot be decided', stopped: 'is stopped', hanging: 'hangs' }[situation] ?? ''
    const row = cases.find(([, name]) => name?.includes(word))
    t.same(row?.slice(2, 5).map(Number), [nginx, caddy, haproxy], situation)
  }
})
