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

t.test('each file has the three addresses that are to be changed, and no others', async (t) => {
  const [head = ''] = text.split('\n## ')
  const files = head.split('\n').filter((line) => /^\| [^|]+ \| `\w+\/\w/.test(line))
  t.equal(files.length, 5)
  for (const row of files) {
    const [name = '', file = '', ...addresses] = row
      .split('|')
      .slice(1)
      .map((cell) => cell.trim())
    const paths = [...file.matchAll(/`([\w./-]+)`/g)].map(([, path = '']) => path)
    const [folder] = paths[0]?.split('/') ?? []
    const all = paths.map((path) => (path.includes('/') ? path : `${folder}/${path}`))
    const texts = await Promise.all(
      all.map((path) => readFile(new URL(`../../examples/gateways/${path}`, import.meta.url), 'utf8')),
    )
    const config = texts.join('\n').replace(/^\s*(#|--).*$/gm, '')
    const wanted = addresses.slice(0, 3).map((cell) => cell.replaceAll('`', ''))
    for (const address of wanted) t.ok(config.includes(address), `${name}: ${address}`)
    const ports = new Set(wanted.map((address) => address.split(':').at(-1)))
    const found = [...config.matchAll(/(?:127\.0\.0\.1:|http:\/\/:|port_value: )(\d{4,5})\b/g)].map(
      ([, port]) => port,
    )
    t.same(new Set(found), ports, name)
  }
})
