/** The command's options. */
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { participants } from './participants.ts'

export const PARTS = [
  'checks',
  'latency',
  'logout',
  'growth',
  'connections',
  'workers',
  'login',
  'ending',
  'incident',
  'everyone',
  'fleet',
  'sizes',
  'in-process',
  'callers',
  'routes',
] as const
export type Part = (typeof PARTS)[number]

export interface Options {
  parts: Part[]
  /** Names of participants. */
  only: string[]
  seconds: number
  rounds: number
  /** Stored sessions for everything except growth. */
  sessions: number
  /** Numbers of stored sessions between which growth is measured. */
  sizes: number[]
  /** How many sessions a user has whose logout is measured, and how often that is done in a round. */
  logouts: { sessions: number; times: number }[]
  /** How many instances run while a logout is measured. */
  instances: number[]
  /** How many instances hold leases while logouts wait for all of them. */
  fleets: number[]
  /** How many callers by HTTP hold leases while a logout is measured. */
  callers: number[]
  data: string
  /** The folder for results; null: a temporary folder, because the run is partial. */
  out: string | null
}

export const HELP = `Usage: npm run bench -- [options]

  --only NAMES      some participants of ${Object.keys(participants).join(', ')}
  --parts NAMES     some of ${PARTS.join(', ')}
  --seconds N       how long each participant is loaded in each round (10)
  --rounds N        how often each has its turn (5)
  --sessions N      stored sessions (1e6)
  --sizes NUMBERS   stored sessions for growth (1e4,1e5,1e6,1e7)
  --quick           little data and one second each, to try it
  --data FOLDER     keeps PostgreSQL and its data (bench/.data)
  --out FOLDER      where the report goes (bench/results for a whole run, else a temporary folder)
  --help            this
`

/** @returns null if help was requested. @throws Error naming the invalid option. */
export function readOptions(args: string[]): Options | null {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean', default: false } as const
  const { values } = parseArgs({
    args,
    options: {
      only: text,
      parts: text,
      seconds: text,
      rounds: text,
      sessions: text,
      sizes: text,
      data: text,
      out: text,
      quick: flag,
      help: flag,
    },
  })
  if (values.help) return null
  const { quick } = values
  const rounds = number('rounds', values.rounds, quick ? 2 : 5)
  const shortened = quick || values.only || values.parts || values.sizes || values.sessions || rounds < 3
  return {
    parts: names('parts', values.parts, PARTS),
    only: names('only', values.only, Object.keys(participants)),
    seconds: number('seconds', values.seconds, quick ? 1 : 10),
    rounds,
    sessions: number('sessions', values.sessions, quick ? 1e3 : 1e6),
    sizes: (values.sizes?.split(',') ?? (quick ? ['1e3', '1e4'] : ['1e4', '1e5', '1e6', '1e7'])).map((size) =>
      number('sizes', size, 0),
    ),
    logouts: quick ? LOGOUTS.map(({ sessions }) => ({ sessions, times: 3 })).slice(0, 3) : LOGOUTS,
    instances: quick ? [1, 3] : [1, 3, 10],
    fleets: quick ? [10, 50] : [100, 1_000],
    callers: quick ? [0, 10] : [0, 1, 10, 100, 1_000],
    data: values.data ?? folder('.data'),
    out: values.out ?? (shortened ? null : folder('results')),
  }
}

/** Few of the large ones: 100,000 take seconds each. */
const LOGOUTS = [
  { sessions: 1, times: 60 },
  { sessions: 10, times: 60 },
  { sessions: 1_000, times: 20 },
  { sessions: 100_000, times: 1 },
]

const folder = (name: string) => fileURLToPath(new URL(name, import.meta.url))

/** Names in the order of `known`. */
function names<Name extends string>(
  option: string,
  given: string | undefined,
  known: readonly Name[],
): Name[] {
  const asked = given?.split(',') ?? known
  const strange = asked.filter((name) => !known.includes(name as Name))
  if (strange.length > 0)
    throw new Error(`--${option}: there is no ${strange.join(', ')}; there are ${known.join(', ')}`)
  return known.filter((name) => asked.includes(name))
}

function number(option: string, given: string | undefined, otherwise: number): number {
  const value = given === undefined ? otherwise : Number(given)
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`--${option}: ${given} is no whole number above 0`)
  return value
}
