/**
 * Runs the simulation of leases (`test/leases/simulate.ts`) in processes of its own: the real code, in
 * simulated time.
 */
import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { COUNTS } from '../../leases/counts.ts'
import { PATIENCE_MS, within } from '../../support/within.ts'
import { kill, onExit } from './leftovers.ts'

/** More than a schedule takes on a loaded machine. In milliseconds. */
const RUN_MS = 100

const program = fileURLToPath(new URL('../../leases/simulate.ts', import.meta.url))
const mutations = new URL('./mutations/register.ts', import.meta.url).href

/** Who answers checks from memory: three instances, or three callers of two. */
export const SUBJECTS = ['instances', 'callers'] as const
export type Subject = (typeof SUBJECTS)[number]

const SUMMED = ['runs', ...COUNTS] as const

/** What the schedules exercised, as `test/leases/simulate.ts` prints it. */
export interface Simulated extends Record<(typeof SUMMED)[number], number> {
  /** The run that found the violation; null if none did. */
  caughtAfter: number | null
  violation: string | null
  /** The smallest scenario with a violation. */
  counterexample: unknown
}

/**
 * Runs this many schedules, in one process for each processor. With a mutation in one process, until it is
 * caught.
 */
export async function simulate(
  subject: Subject,
  runs: number,
  seed: number,
  mutation?: string,
): Promise<Simulated> {
  const processes = mutation ? 1 : Math.min(availableParallelism(), runs)
  const parts = await Promise.all(
    Array.from({ length: processes }, (_, n) =>
      part(subject, Math.ceil(runs / processes), seed + n, mutation),
    ),
  )
  const found = parts.find(({ violation }) => violation !== null) ?? parts[0]
  const sums = SUMMED.map((name) => [name, parts.reduce((sum, one) => sum + one[name], 0)])
  return { ...found, ...Object.fromEntries(sums) }
}

async function part(subject: Subject, runs: number, seed: number, mutation?: string): Promise<Simulated> {
  const child = spawn(
    process.execPath,
    [...(mutation ? ['--import', mutations] : []), program, subject, String(runs), String(seed)],
    {
      env: { PATH: process.env.PATH, ...(mutation && { MUTATION: mutation }) },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const forget = onExit(() => kill(child.pid))
  const output = await within(
    `${runs} runs of the simulation`,
    text(child.stdout),
    PATIENCE_MS + runs * RUN_MS,
  )
  forget()
  if (!output) throw new Error('the simulation ended without a result')
  return JSON.parse(output)
}
