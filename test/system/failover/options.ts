/** The command line of `npm run failover`. */
import { parseArgs } from 'node:util'
import { MODES, type Mode } from '../prove/faults.ts'
import type { Store, Timing } from './cluster.ts'
import { PLANS, type PlanName } from './plans.ts'

const NAMES = Object.keys(PLANS) as PlanName[]
const STORES: readonly Store[] = ['etcd', 'etcd3']
const WIDTH = Math.max(...NAMES.map((name) => name.length))

export const HELP = `npm run failover: fails over a real cluster (Patroni, etcd, HAProxy) under the service, and judges each answer

Usage
  npm run failover                              every plan in both modes; about twelve minutes
  npm run failover -- --ci                      kill, switchover and asynchronous in leased mode
  npm run failover -- --plan manager --mode leased --times 5

Needs Linux and these packages of Debian: postgresql patroni etcd-server haproxy. Everything runs on loopback, from the files of
examples/patroni. Started by root, the cluster runs as nobody.

Options
  --plan NAME        ${NAMES.join(', ')}; all unless given
  --mode NAME        ${MODES.join(' or ')}; both unless given
  --times N          how often each plan fails over (1)
  --ttl N            Patroni's ttl in seconds, at least 7 (7; examples/patroni has 20). loop_wait and retry_timeout follow from it
  --store NAME       etcd or etcd3: how Patroni talks to etcd; the one that is safe for its version unless given
  --seed N           repeats the choices of the clients; random unless given
  --instances N      (3)
  --clients N        check loops (12)
  --users N          simulated users (40)
  -h, --help         this text

Plans
${NAMES.map((name) => `  ${name.padEnd(WIDTH)}  ${PLANS[name].replication}: ${PLANS[name].meaning}`).join('\n')}

Exit codes: 0 nothing found · 1 a promise was broken, or a run exercised too little · 2 wrong usage
`

export interface Options {
  seed: number
  runs: { plan: PlanName; mode: Mode }[]
  times: number
  timing: Timing
  store?: Store | undefined
  instances: number
  clients: number
  users: number
}

/** Different kinds of failover, within the time that CI has. */
const CI = {
  plans: ['kill', 'switchover', 'asynchronous'] as const satisfies PlanName[],
  modes: ['leased'] as const,
}
/** Patroni requires ttl ≥ loop_wait + 2 · retry_timeout, and at least 3 seconds for the latter. */
const LEAST_TTL = 7

/** @returns null if help was requested. @throws Error saying what is wrong. */
export function readOptions(args: string[]): Options | null {
  const { values } = parseArgs({
    args,
    options: {
      plan: { type: 'string' },
      mode: { type: 'string' },
      times: { type: 'string', default: '1' },
      ttl: { type: 'string', default: String(LEAST_TTL) },
      store: { type: 'string' },
      seed: { type: 'string' },
      instances: { type: 'string', default: '3' },
      clients: { type: 'string', default: '12' },
      users: { type: 'string', default: '40' },
      ci: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) return null
  const usual = values.ci ? CI : { plans: NAMES, modes: MODES }
  const plans = values.plan === undefined ? usual.plans : [oneOf('plan', values.plan, NAMES)]
  const modes = values.mode === undefined ? usual.modes : [oneOf('mode', values.mode, MODES)]
  const ttl = number('ttl', values.ttl, LEAST_TTL)
  const retryTimeout = Math.floor((ttl - 1) / 2.5)
  return {
    seed: values.seed === undefined ? 1 + Math.floor(Math.random() * 1_000_000) : number('seed', values.seed),
    // The synchronous plans come first, because each change of the replication takes the cluster some
    // seconds.
    runs: plans.flatMap((plan) =>
      (values.ci ? (['leased'] as const) : modes).map((mode) => ({ plan, mode })),
    ),
    store: values.store === undefined ? undefined : oneOf('store', values.store, STORES),
    times: number('times', values.times),
    timing: { ttl, retryTimeout: Math.max(3, retryTimeout), loopWait: ttl - 2 * Math.max(3, retryTimeout) },
    instances: number('instances', values.instances),
    clients: number('clients', values.clients),
    users: number('users', values.users),
  }
}

function oneOf<Name extends string>(option: string, value: string, known: readonly Name[]): Name {
  const found = known.find((name) => name === value)
  if (found) return found
  throw new Error(`--${option} ${value}: must be one of ${known.join(', ')}`)
}

function number(option: string, value: string, least = 1): number {
  if (/^\d{1,9}$/.test(value) && Number(value) >= least) return Number(value)
  throw new Error(`--${option} ${value}: must be a number from ${least}`)
}
