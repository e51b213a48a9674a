/** The command line of `npm run prove`. */
import { parseArgs } from 'node:util'
import { FAULTS, type Fault, type FaultName, MODES, type Mode } from './faults.ts'
import { MISTAKES } from './mistakes/table.ts'

export const HELP = `npm run prove: several instances, many clients, faults; and not one "valid" after a logout

Usage
  npm run prove                              every mode under every fault; some half hour
  npm run prove -- --ci                      the same in three minutes
  npm run prove -- --mode leased --fault stop --seed 42
  npm run prove -- --fault none --seconds 3600
  npm run prove -- --mistake touch-as-upsert

Options
  --mode NAME        ${MODES.join(' or ')}; both unless given
  --fault NAME       ${Object.keys(FAULTS).join(', ')}; all unless given
  --mistake NAME     makes it, and succeeds when it is caught; see below
  --seed N           whose choices to replay; a new one unless given
  --checks N         for each run, at least (1,000,000 without faults, 100,000 with one)
  --logouts N        for each run, at least (10,000 without faults, 1,000 with one)
  --seconds N        for each run, at least; counts are then not asked for unless given
  --instances N      (3)
  --clients N        check loops (60)
  --users N          (100)
  --simulation N     schedules to simulate first, where leased mode takes part (100,000; 20,000 at most with a mistake;
                     0 with --ci, because npm test has its own)
  -h, --help         this text

Faults
${list(FAULTS)}

Mistakes
${list(MISTAKES)}

Exit codes: 0 nothing found, or the mistake caught · 1 a violation, a run that exercised too little, or the mistake not
caught · 2 wrong usage
`

/** What a run must have done. */
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
  mistake?: string
  instances: number
  clients: number
  users: number
  /** Schedules of the simulation. */
  simulation: number
  plans: Plan[]
}

const FAULTLESS: Goals = { checks: 1_000_000, logouts: 10_000, seconds: 0 }
const FAULTY: Goals = { checks: 100_000, logouts: 1_000, seconds: 0 }
/** Fourteen runs with their starts and ends in three minutes. */
const CI: Goals = { checks: 2_000, logouts: 50, seconds: 4 }
const TIMED: Goals = { checks: 1_000, logouts: 20, seconds: 0 }
const SCHEDULES = 100_000
const MISTAKEN_SCHEDULES = 20_000
/** A mistake that was not caught by then is not caught. */
const MISTAKEN: Goals = { checks: 1_000, logouts: 10, seconds: 600 }

/** @returns null when help was asked for. @throws Error saying what is wrong. */
export function readOptions(args: string[]): Options | null {
  const { values } = parseArgs({
    args,
    options: {
      mode: { type: 'string' },
      fault: { type: 'string' },
      mistake: { type: 'string' },
      seed: { type: 'string' },
      checks: { type: 'string' },
      logouts: { type: 'string' },
      seconds: { type: 'string' },
      instances: { type: 'string', default: '3' },
      clients: { type: 'string', default: '60' },
      users: { type: 'string', default: '100' },
      simulation: { type: 'string' },
      ci: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) return null
  const mistake = values.mistake === undefined ? undefined : oneOf('mistake', values.mistake, MISTAKES)
  const wanted = mistake && MISTAKES[mistake]
  const modes = wanted
    ? [wanted.mode]
    : values.mode
      ? [oneOf('mode', values.mode, { database: 0, leased: 0 })]
      : MODES
  const faults =
    values.fault || !wanted
      ? values.fault
        ? [oneOf('fault', values.fault, FAULTS)]
        : (Object.keys(FAULTS) as FaultName[])
      : [wanted.fault]
  const goalsOf = (fault: FaultName): Goals => {
    const usual = wanted
      ? MISTAKEN
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
      .filter((name) => occurs(FAULTS[name], mode))
      .map((fault) => ({ mode, fault, goals: goalsOf(fault) })),
  )
  if (plans.length === 0) throw new Error(`"${values.fault}" changes nothing in that mode`)
  return {
    seed: number('seed', values.seed, 1 + Math.floor(Math.random() * 1_000_000)),
    ...(mistake && { mistake }),
    instances: number('instances', values.instances),
    clients: number('clients', values.clients),
    users: number('users', values.users),
    simulation: simulation(values, modes.includes('leased'), mistake),
    plans,
  }
}

/** A single fault or a length of one's own is no reason to simulate everything. */
function simulation(
  values: { simulation?: string; ci: boolean; fault?: string; seconds?: string; checks?: string },
  leased: boolean,
  mistake?: string,
): number {
  if (values.simulation === '0' || !leased) return 0
  const shortened = values.ci || values.fault || values.seconds || values.checks
  return number('simulation', values.simulation, mistake ? MISTAKEN_SCHEDULES : shortened ? 0 : SCHEDULES)
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
