/** Every metric and label in the docs, the alerts and the dashboard exists, and every metric is documented. */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { parse } from 'yaml'
import { CONNECTIONS, isDirect, POOLS, type PoolName, type PoolSettings } from '../../src/database/pools.ts'
import { readRights } from '../../src/database/rights.ts'
import { rowsByObject } from '../../src/doctor/roles-action.ts'
import { createKey } from '../../src/service-api/keys.ts'
import { runHere } from '../support/command.ts'
import { testDatabase } from '../support/database.ts'
import { login } from '../support/logins.ts'
import { isInstalled, runProgram } from '../support/run-program.ts'
import { served } from '../support/served.ts'
import { json, servicesOn } from '../support/service.ts'
import { readme, readmeTable } from './readme.ts'

const read = (file: string) => readFile(new URL(`../../docs/${file}`, import.meta.url), 'utf8')
const service = await served({ CHECK_MODE: 'leased' })
await service.ask(null, '/check')
const { database } = servicesOn(service.database.url)
const { key } = await database.transaction((tx) =>
  createKey(
    tx,
    { name: 'shop', scopes: ['leases'], lifetimeSeconds: null },
    { actorKind: 'system', actorId: 'test' },
  ),
)
await service.ask(key, '/leases', json({ caller: crypto.randomUUID() }))
await service.metrics()
const printed = await service.metrics()

interface Rule {
  alert: string
  expr: string
  for?: string
  labels: { severity: string }
  annotations: { summary: string; description: string }
}
const rules: Rule[] = parse(await read('alerts.yml')).groups.flatMap(({ rules }: { rules: Rule[] }) => rules)

const skip = !process.env.CI && !(await isInstalled('promtool', '--version')) && 'promtool is not installed'

/** Label names of each metric that is printed, the buckets of histograms aside. */
const labels = new Map(
  [...printed.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name = '', type]) => {
    const parts = type === 'histogram' ? '(?:_bucket|_sum|_count)' : ''
    const samples = printed.matchAll(new RegExp(`^${name}${parts}(?:\\{(.*)\\})? `, 'gm'))
    const found = [...samples].flatMap(([, pairs = '']) =>
      [...pairs.matchAll(/(\w+)="/g)].map(([, label]) => label),
    )
    return [name, new Set(found.filter((label) => label !== 'le'))]
  }),
)
const own = [...labels.keys()].filter((name) => name.startsWith('global_logout_'))

/** Metrics and labels of a Prometheus query that do not exist. */
function unknownNames(query: string): string[] {
  const found: string[] = []
  const known = new Set<string | undefined>(['le', 'instance'])
  for (const [, name = '', selector = ''] of query.matchAll(
    /\b((?:global_logout|process|nodejs)_\w+)(?:\{(.*?)\})?/g,
  )) {
    const base = labels.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '')
    const its = labels.get(base)
    if (!its) found.push(name)
    for (const label of its ?? []) known.add(label)
    for (const [, label = ''] of selector.matchAll(/(\w+)(?:=~|!=|=)"/g))
      if (label !== 'instance' && !its?.has(label)) found.push(`${name}{${label}}`)
  }
  for (const [, list = ''] of query.matchAll(/\bby \(([^)]*)\)/g))
    found.push(...list.split(/,\s*/).filter((label) => !known.has(label)))
  return found
}

t.test('the table names every metric of the service with its labels, and no other', async (t) => {
  const rows = readmeTable('Metrics', await read('operations.md'))
  t.same(rows.map(([name]) => name).sort(), own.sort())
  for (const [name = '', given = '', meaning] of rows) {
    t.same(new Set(given.match(/\w+/g)), labels.get(name), name)
    t.ok(meaning, `${name} means something`)
  }
})

t.test('alerts use existing metrics and labels, and say what to do', async (t) => {
  t.equal(new Set(rules.map(({ alert }) => alert)).size, rules.length, 'each name once')
  for (const { alert, expr, labels, annotations } of rules) {
    t.same(unknownNames(expr), [], alert)
    t.match(labels.severity, /^(page|ticket)$/, alert)
    t.match(annotations, { summary: /\w/, description: /\.'?$/ }, alert)
  }
})

t.test('the table of metrics names the alerts on each metric', async (t) => {
  const text = await read('operations.md')
  for (const [name = '', , , named = ''] of readmeTable('Metrics', text)) {
    const on = rules.filter(({ expr }) => new RegExp(`\\b${name}(_bucket|_count|_sum)?\\b`).test(expr))
    // A metric that only narrows another one down has no alert of its own.
    const own = on.filter(({ alert }) => alert !== 'GlobalLogoutBusy').map(({ alert }) => alert)
    t.same(named.match(/\w+/g) ?? [], own, name)
  }
  const elsewhere = text.match(/`(process|nodejs)_\w{3,}`/g)?.map((name) => name.slice(1, -1)) ?? []
  t.ok(elsewhere.length >= 2)
  t.same(
    elsewhere.filter((name) => !labels.has(name)),
    [],
  )
})

t.test('Prometheus loads the alerts, and they fire', { skip }, async (t) => {
  const folder = new URL('../../docs/', import.meta.url)
  const { stdout } = await runProgram('promtool', [
    'check',
    'rules',
    fileURLToPath(new URL('alerts.yml', folder)),
  ])
  t.match(stdout, `SUCCESS: ${rules.length} rules found`)
  const cases = fileURLToPath(new URL('alerts.test.yml', import.meta.url))
  t.match(await runProgram('promtool', ['test', 'rules', cases]), { stdout: /SUCCESS/ })
})

t.test('the dashboard can be imported, and its panels use existing metrics and labels', async (t) => {
  interface Panel {
    id: number
    type: string
    title: string
    gridPos: { x: number; y: number; w: number; h: number }
    targets?: { expr: string; datasource: { uid: string } }[]
  }
  const dashboard: {
    schemaVersion: number
    templating: { list: { name: string; type: string }[] }
    annotations: { list: { name: string; expr: string; datasource: { uid: string } }[] }
    panels: Panel[]
  } = JSON.parse(await read('grafana-dashboard.json'))
  t.ok(dashboard.schemaVersion >= 36)
  t.match(dashboard.templating.list[0], { name: 'datasource', type: 'datasource', query: 'prometheus' })
  const panels = dashboard.panels.filter(({ type }) => type !== 'row')
  t.equal(new Set(dashboard.panels.map(({ id }) => id)).size, dashboard.panels.length, 'ids are unique')
  for (const { title, targets = [], gridPos } of panels) {
    t.ok(targets.length > 0 && gridPos.x + gridPos.w <= 24, title)
    for (const { expr, datasource } of targets) {
      t.match(datasource.uid, /^\$\{datasource\}$/)
      t.same(unknownNames(expr), [], expr)
    }
  }
  t.ok(dashboard.annotations.list.length >= 3)
  for (const { name, expr, datasource } of dashboard.annotations.list) {
    t.match(datasource.uid, /^\$\{datasource\}$/)
    t.same(unknownNames(expr), [], name)
  }
  const asked = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)).join(' ')
  t.same(
    own.filter((name) => !asked.includes(name)),
    [],
    'the dashboard shows every metric of the service',
  )
})

t.test('connections are counted as the pools are, on paper, in the metrics and by the doctor', async (t) => {
  const text = await read('operations.md')
  const rows = Object.entries<PoolSettings>(POOLS).map(([name, { max, deadlineMs, use, machine }]) => [
    name,
    String(max),
    machine ? 'machine' : 'worker',
    `${deadlineMs / 1_000} s`,
    isDirect(name as PoolName, 'database')
      ? 'yes'
      : isDirect(name as PoolName, 'leased')
        ? 'when leased'
        : 'no',
    use,
  ])
  t.strictSame(readmeTable('Connections', text), rows)
  for (const place of [readme, text])
    t.same(place.match(/up to \d+ connections for each worker,? and \d+/g), [
      `up to ${CONNECTIONS.worker} connections for each worker, and ${CONNECTIONS.machine}`,
    ])
  const pools = Object.keys(POOLS).sort()
  const named = readmeTable('Metrics', text).find(([name]) => name === 'global_logout_pool_connections')?.[2]
  t.same([...(named?.matchAll(/`(\w+)`/g) ?? [])].map(([, name]) => name).sort(), pools)
  const labels = printed.matchAll(/^global_logout_pool_connections\{pool="(\w+)"\}/gm)
  t.same([...labels].map(([, name]) => name).sort(), pools)
})

t.test(
  'the table of the database roles equals the rights in the database and the output of the command',
  async (t) => {
    const database = await testDatabase()
    const written = readmeTable('Database roles', await read('operations.md'))
    t.strictSame(written, rowsByObject(await database.run(readRights)))
    const command = async (...args: string[]) => {
      const started = runHere(['roles', ...args], { env: { DATABASE_URL: database.url } })
      t.equal(await started.ended, 0)
      return started.output()
    }
    const printed = await command('--markdown')
    t.same(readmeTable('x', `\n## x\n${printed}`), written)
    t.same(rowsByObject(JSON.parse(await command('--json'))), written)
    const plain = await command()
    t.match(plain, /^table operation +service +select, insert, update \(waited_ms\)$/m)
    t.match(plain, /^function announce_lock +owner +only the owner$/m)
  },
)

t.test('new tables, new functions and rights of other roles appear in the table', async (t) => {
  const database = await testDatabase()
  await database.psql('create table novelty (a int, b int); create function novel() returns int return 1')
  await database.psql('grant update (b) on novelty to global_logout_checker; grant select on staff to public')
  const rows = new Map(
    rowsByObject(await database.run(readRights)).map(([object = '', ...may]) => [object, may]),
  )
  t.same(rows.get('table novelty'), ['all', '-', 'update (b)', '-', '-', '-'])
  t.same(rows.get('function novel()'), Array(6).fill('execute'))
  t.equal(rows.get('table staff')?.at(-1), 'select')
  const stranger = await login(database)
  t.same((await stranger.run(readRights)).length, rows.size, 'any login may read the rights')
})
