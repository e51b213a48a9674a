/** Compares one run with the promised speed of the service: ratios of medians, never absolute figures. */
import { count, median, percentile, readable } from './numbers.ts'
import { participants } from './participants.ts'
import { AUTHJS_LEASED, BY_HTTP, ON_DATABASE } from './parts/in-process.ts'
import type { LoginSample } from './parts/login.ts'
import type { LogoutSeries } from './parts/logout.ts'
import { labelOf } from './parts/workers.ts'
import type { Results, Series } from './results.ts'

export interface Aim {
  what: string
  /** NaN if it was not measured. */
  value: number
  /** Whether the aim is a lower or an upper bound. */
  least?: number
  most?: number
  unit: string
}

/** Running instances for which the time of a logout is promised. */
const INSTANCES = 3
const SESSIONS = 10
/** Instances for which the wait of a logout is promised. */
const MANY_INSTANCES = 1_000
/** Callers for which the time of a logout, and their cost, is promised. */
const MANY_CALLERS = 1_000
/** Sessions of the largest logout whose CPU is promised. */
const MANY = 100_000

export function aimsOf({
  checks = {},
  latency,
  logout = [],
  growth = {},
  connections = {},
  login = {},
  ending = [],
  everyone,
  fleet = [],
  workers = {},
  inProcess = {},
  callers = [],
  routes = [],
}: Results): Aim[] {
  const rate = (name: string) => medianOf(checks, name, 'perSecond')
  const readers = Object.keys(checks).filter((name) => participants[name]?.kind === 'reads')
  const best = readers.toSorted((a, b) => rate(b) - rate(a))[0] ?? ''
  const peer = participants[best]?.label ?? 'the best peer that reads the database'
  const p99 = (name: string) => medianOf(latency?.series ?? {}, name, 'p99Ms')
  const sizes = Object.keys(growth).map(Number)
  const largestFleet = fleet.find(({ instances }) => instances === MANY_INSTANCES)
  const routeRate = (guard: string) =>
    median(
      routes.flatMap((each) =>
        each.framework === 'fastify' && each.guard === guard ? [each.perSecond] : [],
      ),
    )
  const us = (name: string) => median(inProcess[name]?.us ?? [])
  const mostCallers = callers.find((sample) => sample.callers === MANY_CALLERS)
  const noCallers = callers.find((sample) => sample.callers === 0)
  const [smallest, largest] = [Math.min(...sizes), Math.max(...sizes)]

  return [
    {
      what: `checks a second, database mode ÷ ${peer}`,
      value: rate('database') / rate(best),
      least: 6,
      unit: '',
    },
    {
      what: `checks a second, leased mode ÷ ${peer}`,
      value: rate('leased') / rate(best),
      least: 12,
      unit: '',
    },
    {
      what: 'checks a second, leased mode ÷ bare route',
      value: rate('leased') / rate('bare'),
      least: 0.92,
      unit: '',
    },
    {
      what: `p99 of leased mode ÷ bare route, at half the bare route's rate`,
      value: p99('leased') / p99('bare'),
      most: 1.3,
      unit: '',
    },
    {
      what: `p99 of a global logout with ${INSTANCES} instances, leased − database mode`,
      value: logoutP99(logout, 'leased') - logoutP99(logout, 'database'),
      most: 50,
      unit: ' ms',
    },
    {
      what: 'time of a login ÷ stock DrizzleAdapter',
      value: loginP50(login['global-logout']) / loginP50(login['Auth.js DrizzleAdapter']),
      most: 1.3,
      unit: '',
    },
    {
      what: `CPU of a logout of ${count(MANY)} ÷ bare delete of the rows`,
      value: median(
        ending.flatMap(({ sessions, bare, logout }) => (sessions === MANY ? [logout / bare] : [])),
      ),
      most: 10,
      unit: '',
    },
    {
      what: `time until the last "valid" of ${everyone ? count(everyone.stored) : 'all'} sessions, everyone`,
      value: (everyone?.lastValidMs ?? Number.NaN) / 1_000,
      most: 5,
      unit: ' s',
    },
    {
      what: 'time of the longest plan, everyone',
      value: Math.max(...(everyone?.plans.map(({ ms }) => ms) ?? [Number.NaN])) / 1_000,
      most: 5,
      unit: ' s',
    },
    {
      what: `p99 of the wait of a logout for ${count(MANY_INSTANCES)} instances`,
      value: percentile(largestFleet?.waits ?? [], 0.99),
      most: 300,
      unit: ' ms',
    },
    {
      what: `PostgreSQL's CPU with ${count(MANY_INSTANCES)} instances and five logouts a second`,
      value: largestFleet?.cores ?? Number.NaN,
      most: 1,
      unit: ' cores',
    },
    {
      what:
        sizes.length > 1
          ? `CPU of a check at ${count(largest)} ÷ at ${count(smallest)} stored sessions`
          : 'CPU of a check as sessions grow',
      value: cost(growth, largest) / cost(growth, smallest),
      most: 1.3,
      unit: '',
    },
    {
      what: 'CPU of a check in database mode with 4 connections ÷ with 64',
      value: cost(connections, 4) / cost(connections, 64),
      most: 1.6,
      unit: '',
    },
    ...[
      { mode: 'leased', least: 6.5 },
      { mode: 'database', least: 5 },
    ].map(({ mode, least }) => ({
      what: `checks a second of 8 workers ÷ of one, ${mode} mode, where there are 16 cores`,
      value:
        medianOf(workers, labelOf(mode, 8), 'perSecond') / medianOf(workers, labelOf(mode, 1), 'perSecond'),
      least,
      unit: '',
    })),
    ...[
      { alg: 'HS256', least: 15 },
      { alg: 'ES256', least: 40 },
    ].map(({ alg, least }) => ({
      what: `time of jose.jwtVerify, ${alg} ÷ a check in process by HTTP leases`,
      value: us(`jose.jwtVerify, ${alg}`) / us(BY_HTTP),
      least,
      unit: '',
    })),
    {
      what: 'time of a check in process',
      value: Math.max(us(BY_HTTP), us(ON_DATABASE)),
      most: 3,
      unit: ' µs',
    },
    {
      what: `time of Auth.js auth(), database strategy ÷ with this service's adapter under leases`,
      value: us('Auth.js auth(), database') / us(AUTHJS_LEASED),
      least: 20,
      unit: '',
    },
    {
      what: 'requests a second of a Fastify route under leases ÷ unguarded',
      value: routeRate('leased') / routeRate('none'),
      least: 0.97,
      unit: '',
    },
    {
      what: `p99 of a global logout with ${count(MANY_CALLERS)} callers on three instances`,
      value: percentile(mostCallers?.ms ?? [], 0.99),
      most: 250,
      unit: ' ms',
    },
    {
      what: `PostgreSQL's CPU with ${count(MANY_CALLERS)} callers ÷ with none`,
      value: (mostCallers?.postgresCores ?? Number.NaN) / (noCallers?.postgresCores ?? Number.NaN),
      most: 1.1,
      unit: '',
    },
  ]
}

/** `reached`, `not reached` or `not measured`. */
export function outcomeOf({ value, least, most }: Aim): string {
  if (!Number.isFinite(value)) return 'not measured'
  const reached = value >= (least ?? Number.NEGATIVE_INFINITY) && value <= (most ?? Number.POSITIVE_INFINITY)
  return reached ? 'reached' : 'not reached'
}

export const measuredOf = ({ value, unit }: Aim) =>
  Number.isFinite(value) ? `${readable(value)}${unit}` : readable(value)

export const boundOf = ({ least, most, unit }: Aim) =>
  least === undefined ? `≤ ${readable(most ?? Number.NaN)}${unit}` : `≥ ${readable(least)}${unit}`

function medianOf(series: Series, name: string, field: 'perSecond' | 'p99Ms'): number {
  return median((series[name] ?? []).map((sample) => sample[field]))
}

/** µs of CPU, of server and PostgreSQL together. */
function cost(series: Series, size: number): number {
  return median((series[size] ?? []).map(({ serverCpu, postgresCpu }) => serverCpu + postgresCpu))
}

function logoutP99(all: LogoutSeries[], mode: string): number {
  const found = all.find(
    (series) => series.mode === mode && series.instances === INSTANCES && series.sessions === SESSIONS,
  )
  return percentile(found?.ms ?? [], 0.99)
}

const loginP50 = (samples: LoginSample[] = []) => median(samples.map(({ p50Ms }) => p50Ms))
