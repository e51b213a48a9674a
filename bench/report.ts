/** A run as a page of Markdown. */
import { aimsOf, boundOf, measuredOf, outcomeOf } from './aims.ts'
import type { Machine } from './machine.ts'
import type { Sample } from './measure.ts'
import { count, median, percentile, range, readable } from './numbers.ts'
import type { Options } from './options.ts'
import { participants } from './participants.ts'
import type { EndingSample } from './parts/ending.ts'
import { incidentRow } from './parts/incident.ts'
import type { RouteSample } from './parts/routes.ts'
import type { Results, Series } from './results.ts'
import { markdownTable } from './table.ts'

export interface Run {
  /** YYYY-MM-DD */
  date: string
  machine: Machine
  options: Options
  results: Results
}

export function report({ date, machine, options, results }: Run): string {
  const { sessions, rounds, seconds } = options
  const {
    checks,
    latency,
    logout,
    growth,
    connections,
    login,
    ending,
    incident,
    everyone,
    fleet,
    sizes,
    inProcess,
    callers,
    workers,
    routes,
  } = results
  const sections = [
    `# Benchmarks, ${date}`,
    Object.entries(machine)
      .map(([name, value]) => `- ${name}: ${value}`)
      .join('\n'),
    `Medians of ${rounds} rounds of ${seconds} s, in which the participants took turns; server, PostgreSQL and load
generator share the machine. Ratios within one run hold from run to run; absolute figures do not.`,
    '## Aims',
    aimsTable(results),
  ]
  if (checks)
    sections.push(
      '## Checks',
      `${count(sessions)} stored sessions, 32 connections that ask as fast as they are answered. CPU in µs for each check.`,
      `![Checks a second, as bars](${date}.svg)`,
      checksTable(checks),
    )
  if (latency)
    sections.push(
      '## Latency',
      `The same load for each: as much as gives ${readable(latency.perSecond)} checks a second, half of what the bare route reached.`,
      latencyTable(latency.series),
    )
  if (logout)
    sections.push(
      '## Global logout',
      `Over HTTP, until the answer has arrived; after each, every instance refused the sessions at once.`,
      markdownTable(
        ['mode', 'instances', 'sessions', 'times', 'p50 ms', 'p99 ms'],
        logout.map(({ mode, instances, sessions, ms }) => [
          mode,
          count(instances),
          count(sessions),
          count(ms.length),
          readable(percentile(ms, 0.5)),
          readable(percentile(ms, 0.99)),
        ]),
      ),
    )
  if (growth)
    sections.push(
      '## Growth',
      'Database mode, 10,000 sessions in use among those stored. CPU in µs for each check.',
      growthTable('stored sessions', growth),
    )
  if (connections)
    sections.push(
      '## Connections',
      `Database mode, ${count(sessions)} stored sessions, and the bare route, which reads none. CPU in µs for each check.`,
      growthTable('connections', connections),
    )
  if (workers)
    sections.push(
      '## Workers',
      `128 connections that ask as fast as they are answered, ${count(sessions)} stored sessions.`,
      markdownTable(
        ['', 'checks/s', 'from–to', 'p50 ms', 'p99 ms'],
        Object.entries(workers).map(([name, samples]) => [
          name,
          middle(samples, 'perSecond'),
          range(samples.map(({ perSecond }) => perSecond)),
          middle(samples, 'p50Ms'),
          middle(samples, 'p99Ms'),
        ]),
      ),
    )
  if (login)
    sections.push(
      '## Login',
      'Creating a session in process, ten at once. CPU in µs for each login.',
      markdownTable(
        ['', 'logins/s', 'p50 ms', 'p99 ms', 'CPU PostgreSQL'],
        Object.entries(login).map(([name, samples]) => [
          name,
          middle(samples, 'perSecond'),
          middle(samples, 'p50Ms'),
          middle(samples, 'p99Ms'),
          middle(samples, 'postgresCpu'),
        ]),
      ),
    )
  if (ending)
    sections.push(
      '## Ending sessions',
      'A logout everywhere, in process, and a bare `delete` of as many rows. CPU of PostgreSQL in µs for each session.',
      markdownTable(
        ['sessions', 'bare delete', 'logout', 'ratio'],
        [...new Set(ending.map(({ sessions }) => sessions))].map((size) => {
          const some = ending.filter(({ sessions }) => sessions === size)
          const of = (value: (sample: EndingSample) => number) => readable(median(some.map(value)))
          return [
            count(size),
            of(({ bare }) => bare),
            of(({ logout }) => logout),
            of(({ bare, logout }) => logout / bare),
          ]
        }),
      ),
    )
  if (incident)
    sections.push(
      '## Incident',
      `Half of the stored sessions ended as one act by the process that answers 1,000 checks a second of the other half, while
users it is about sign in and log out. p99 of checks in windows of 5 s, medians of the windows; times in s and ms, WAL in MB.`,
      markdownTable(
        [
          'mode',
          'sessions',
          'users',
          'plan s',
          'incident s',
          'p99 quiet',
          'p99 meanwhile',
          'ratio',
          'login p99',
          'logout p99',
          'longest lock wait',
          'WAL',
        ],
        incident.map(incidentRow),
      ),
    )
  if (sizes)
    sections.push(
      '## Sizes',
      'Bytes on disk for each row, as the tables grow in use.',
      markdownTable(
        ['table', 'rows', 'table', 'indexes', 'together'],
        sizes.map(({ what, rows, table, indexes }) => [
          what,
          count(rows),
          readable(table),
          readable(indexes),
          readable(table + indexes),
        ]),
      ),
    )
  if (everyone)
    sections.push(
      '## Everyone',
      `${count(everyone.stored)} stored sessions, two instances in leased mode. An incident for everyone was answered after
${readable(everyone.answeredMs)} ms; the last check that was answered "valid" began after ${readable(everyone.lastValidMs)} ms. ${count(everyone.checks)} checks.
A session takes ${readable(everyone.bytes.table)} bytes, and its indexes ${readable(everyone.bytes.indexes)}. Without checks, a minute reads ${readable(everyone.idleBytes / 1e6)} MB of them.`,
      markdownTable(
        ['plan', 'sessions', 's'],
        everyone.plans.map(({ what, sessions, estimated, ms }) => [
          what,
          `${estimated ? 'about ' : ''}${count(sessions)}`,
          readable(ms / 1_000),
        ]),
      ),
    )
  if (fleet)
    sections.push(
      '## Many instances',
      `Instances that hold leases and answer no checks, and five logouts a second. Wait of a logout from its commit until each instance has
acknowledged it, in ms; CPU in cores.`,
      markdownTable(
        [
          'instances',
          'logouts',
          'p50',
          'p99',
          'leases lost',
          'PostgreSQL without logouts',
          'PostgreSQL',
          'instances together',
        ],
        fleet.map(({ instances, waits, lost, idleCores, cores, fleetCores }) => [
          count(instances),
          count(waits.length),
          readable(percentile(waits, 0.5)),
          readable(percentile(waits, 0.99)),
          count(lost),
          readable(idleCores),
          readable(cores),
          readable(fleetCores),
        ]),
      ),
    )
  if (callers)
    sections.push(
      '## Callers',
      `Applications that hold leases over HTTP, three instances, and some four logouts a second. Time of a logout over HTTP in ms; CPU in cores.`,
      markdownTable(
        ['callers', 'logouts', 'p50', 'p99', 'PostgreSQL', 'instances together', 'callers together'],
        callers.map(({ callers, ms, postgresCores, serviceCores, callerCores }) => [
          count(callers),
          count(ms.length),
          readable(percentile(ms, 0.5)),
          readable(percentile(ms, 0.99)),
          readable(postgresCores),
          readable(serviceCores),
          readable(callerCores),
        ]),
      ),
    )
  if (routes)
    sections.push(
      '## Guarded routes',
      'A route of an application, guarded and not: 32 connections, 1,000 sessions in use. CPU of the application in µs for each request.',
      markdownTable(
        ['', 'guard', 'requests/s', 'p50 ms', 'p99 ms', 'CPU'],
        [...new Set(routes.map(({ framework, guard }) => `${framework} ${guard}`))].map((which) => {
          const some = routes.filter(({ framework, guard }) => `${framework} ${guard}` === which)
          const of = (value: (sample: RouteSample) => number) => readable(median(some.map(value)))
          return [
            some[0]?.framework ?? '',
            some[0]?.guard ?? '',
            of(({ perSecond }) => perSecond),
            of(({ p50Ms }) => p50Ms),
            of(({ p99Ms }) => p99Ms),
            of(({ cpu }) => cpu),
          ]
        }),
      ),
    )
  if (inProcess)
    sections.push(
      '## In process',
      'One check after the other in the process of an application. Time in µs for each check.',
      markdownTable(
        ['', 'after a logout', 'µs', 'from–to'],
        Object.entries(inProcess).map(([name, { revoked, us }]) => [
          name,
          revoked ? 'refused' : 'valid until it expires',
          readable(median(us)),
          range(us),
        ]),
      ),
    )
  return `${sections.join('\n\n')}\n`
}

function aimsTable(results: Results): string {
  return markdownTable(
    ['aim', 'measured', 'wanted', ''],
    aimsOf(results).map((aim) => [aim.what, measuredOf(aim), boundOf(aim), outcomeOf(aim)]),
  )
}

function checksTable(series: Series): string {
  return markdownTable(
    ['', 'checks/s', 'from–to', 'p50 ms', 'p99 ms', 'CPU server', 'CPU PostgreSQL', 'memory MB'],
    Object.entries(series).map(([name, samples]) => [
      labelOf(name),
      middle(samples, 'perSecond'),
      range(samples.map(({ perSecond }) => perSecond)),
      middle(samples, 'p50Ms'),
      middle(samples, 'p99Ms'),
      middle(samples, 'serverCpu'),
      middle(samples, 'postgresCpu'),
      readable(median(samples.map(({ memory }) => memory / 1e6))),
    ]),
  )
}

function latencyTable(series: Series): string {
  return markdownTable(
    ['', 'checks/s', 'p50 ms', 'p99 ms', 'p99 from–to'],
    Object.entries(series).map(([name, samples]) => [
      labelOf(name),
      middle(samples, 'perSecond'),
      middle(samples, 'p50Ms'),
      middle(samples, 'p99Ms'),
      range(samples.map(({ p99Ms }) => p99Ms)),
    ]),
  )
}

function growthTable(what: string, series: Series): string {
  return markdownTable(
    [what, 'checks/s', 'from–to', 'p99 ms', 'CPU server', 'CPU PostgreSQL', 'together'],
    Object.entries(series).map(([size, samples]) => [
      Number.isNaN(Number(size)) ? size : count(Number(size)),
      middle(samples, 'perSecond'),
      range(samples.map(({ perSecond }) => perSecond)),
      middle(samples, 'p99Ms'),
      middle(samples, 'serverCpu'),
      middle(samples, 'postgresCpu'),
      readable(median(samples.map(({ serverCpu, postgresCpu }) => serverCpu + postgresCpu))),
    ]),
  )
}

function middle<Field extends keyof Sample>(
  samples: readonly Partial<Record<Field, number>>[],
  field: Field,
) {
  return readable(median(samples.map((sample) => sample[field] ?? Number.NaN)))
}

const labelOf = (name: string) => participants[name]?.label ?? name
