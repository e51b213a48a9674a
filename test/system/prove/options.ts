/** The command line of `npm run prove`. */
import { parseArgs } from 'node:util'
import { FAULTS, type Fault, type FaultName, MODES, type Mode } from './faults.ts'
import { MUTATIONS } from './mutations/table.ts'

export const HELP = `npm run prove: searches for a "valid" after a logout, with several instances, many clients and faults

Usage
  npm run prove                              every mode under every fault; about 30 minutes
  npm run prove -- --ci                      the same in three minutes
  npm run prove -- --mode leased --fault stop --seed 42
  npm run prove -- --fault none --seconds 3600
  npm run prove -- --mutation touch-as-upsert

Options
  --mode NAME        ${MODES.join(' or ')}; both unless given
  --fault NAME       ${Object.keys(FAULTS).join(', ')}; all unless given
  --mutation NAME    applies it, and succeeds when it is caught; see below
  --seed N           repeats the choices of a run; random unless given
  --checks N         for each run, at least (1,000,000 without faults, 100,000 with one)
  --logouts N        for each run, at least (10,000 without faults, 1,000 with one)
  --seconds N        for each run, at least; then --checks and --logouts are lower unless given
  --instances N      (3)
  --callers N        of each kind, in leased mode: on the database, by HTTP through a load balancer, and so in Python (1; 0 for none)
  --clients N        check loops (60), and 1.6 times as many that sign in and out
  --users N          simulated users (100)
  --simulation N     schedules to simulate first, if leased mode is run (100,000; 20,000 at most with a mutation;
                     0 with --ci, because npm test has its own)
  -h, --help         this text

Faults
${list(FAULTS)}

Mutations
${list(MUTATIONS)}

Exit codes: 0 nothing found, or the mutation caught · 1 a violation, a run that exercised too little, or the mutation not
caught · 2 wrong usage
`

/** The goals of a run. */
export interface Goals {
  checks: number
  logouts: number
  seconds: number
}

export interface Plan {
  mode: Mode
  fault: FaultName
  goals: Goals
}

export interface Options {
  seed: number
  mutation?: string
  instances: number
  callers: number
  clients: number
  users: number
  /** Schedules of the simulation. */
  simulation: number
  plans: Plan[]
}

const FAULTLESS: Goals = { checks: 1_000_000, logouts: 10_000, seconds: 0 }
const FAULTY: Goals = { checks: 100_000, logouts: 1_000, seconds: 0 }
/** Fifteen runs with their starts and ends in three minutes; `npm test` shows the fault `standby`. */
const CI: Goals = { checks: 2_000, logouts: 50, seconds: 2 }
const TIMED: Goals = { checks: 1_000, logouts: 20, seconds: 0 }
const SCHEDULES = 100_000
const MUTATION_SCHEDULES = 20_000
/** A mutation that is not caught within these seconds counts as not caught. */
const WITH_MUTATION: Goals = { checks: 1_000, logouts: 10, seconds: 600 }

/** @returns null if help was requested. @throws Error saying what is wrong. */
export function readOptions(args: string[]): Options | null {
  const { values } = parseArgs({
    args,
    options: {
      mode: { type: 'string' },
      fault: { type: 'string' },
      mutation: { type: 'string' },
      seed: { type: 'string' },
      checks: { type: 'string' },
      logouts: { type: 'string' },
      seconds: { type: 'string' },
      instances: { type: 'string', default: '3' },
      callers: { type: 'string', default: '1' },
      clients: { type: 'string', default: '60' },
      users: { type: 'string', default: '100' },
      simulation: { type: 'string' },
      ci: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) return null
  const mutation = values.mutation === undefined ? undefined : oneOf('mutation', values.mutation, MUTATIONS)
  const wanted = mutation && MUTATIONS[mutation]
  const modes = wanted
    ? [wanted.mode]
    : values.mode
      ? [oneOf('mode', values.mode, { database: 0, leased: 0 })]
      : MODES
  const faults = values.fault
    ? [oneOf('fault', values.fault, FAULTS)]
    : wanted
      ? [wanted.fault].filter((fault) => fault !== null)
      : (Object.keys(FAULTS) as FaultName[])
  const goalsOf = (fault: FaultName): Goals => {
    const usual = wanted
      ? WITH_MUTATION
      : values.ci
        ? CI
        : values.seconds
          ? TIMED
          : fault === 'none'
            ? FAULTLESS
            : FAULTY
    return {
      checks: number('checks', values.checks, usual.checks),
      logouts: number('logouts', values.logouts, usual.logouts),
      seconds: number('seconds', values.seconds, usual.seconds),
    }
  }
  const plans = modes.flatMap((mode) =>
    faults
      .filter((name) => occurs(FAULTS[name], mode) && !(values.ci && name === 'standby'))
      .map((fault) => ({ mode, fault, goals: goalsOf(fault) })),
  )
  if (plans.length === 0 && values.fault) throw new Error(`"${values.fault}" changes nothing in that mode`)
  return {
    seed: number('seed', values.seed, 1 + Math.floor(Math.random() * 1_000_000)),
    ...(mutation && { mutation }),
    instances: number('instances', values.instances),
    callers: values.callers === '0' ? 0 : number('callers', values.callers),
    clients: number('clients', values.clients),
    users: number('users', values.users),
    simulation: simulation(values, modes.includes('leased'), mutation),
    plans,
  }
}

/** A run that is narrowed by `--fault`, `--seconds` or `--checks` does not simulate, unless asked to. */
function simulation(
  values: { simulation?: string; ci: boolean; fault?: string; seconds?: string; checks?: string },
  leased: boolean,
  mutation?: string,
): number {
  if (values.simulation === '0' || !leased) return 0
  const shortened = values.ci || values.fault || values.seconds || values.checks
  return number('simulation', values.simulation, mutation ? MUTATION_SCHEDULES : shortened ? 0 : SCHEDULES)
}

function occurs({ modes }: Fault, mode: Mode): boolean {
  return modes.includes(mode)
}

function oneOf<Name extends string>(
  option: string,
  value: string,
  known: Readonly<Record<Name, unknown>>,
): Name {
  if (Object.hasOwn(known, value)) return value as Name
  throw new Error(`--${option} ${value}: must be one of ${Object.keys(known).join(', ')}`)
}

function number(option: string, value: string | undefined, usual?: number): number {
  if (value === undefined && usual !== undefined) return usual
  if (!/^[1-9]\d{0,9}$/.test(value ?? '')) throw new Error(`--${option} ${value}: must be a number above 0`)
  return Number(value)
}

function list(named: Readonly<Record<string, { meaning: string }>>): string {
  const width = Math.max(...Object.keys(named).map((name) => name.length))
  return Object.entries(named)
    .map(([name, { meaning }]) => `  ${name.padEnd(width)}  ${meaning}`)
    .join('\n')
}
