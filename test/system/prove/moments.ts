/**
 * Faults at chosen steps of a lease, which random faults hit once in hours. A step is recognised by the statement that an
 * instance sends; ARCHITECTURE.md lists the steps. A run that recognised none fails, so a changed statement is noticed.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Instance } from './instances.ts'
import type { Passing, PostgresProxy } from './proxy.ts'
import type { Random } from './random.ts'

/** The text that identifies a step in a statement. */
const BEAT = 'heartbeat'
const NEWS = 'read-changes'
const APPLIED = 'acknowledge'
const READ = 'read-tokens'

/** Renewals are a second apart; if an instance sends none for this long, the step is given up. */
const PATIENCE_MS = 2_500
/** The service's deadline for a statement of a lease or a check. */
const DEADLINE_MS = 1_000
/** After a failure an instance waits for 500 ms before it joins again. */
const REJOINED_MS = 520

/** @returns whether the step was reached. */
export type Moment = (instance: Instance, proxy: PostgresProxy, random: Random) => Promise<boolean>

/**
 * The answer to a renewal is late, and the instance is stopped as soon as it has it: when does its lease end?
 */
export const lateRenewal: Moment = async (instance, proxy, random) => {
  if (!(await next(proxy, BEAT))) return false
  const pair = await next(proxy, NEWS, ({ answers }) => void answers.pause())
  if (!pair) return false
  await sleep(random.between(600, DEADLINE_MS - 50))
  pair.answers.resume()
  await sleep(random.between(2, 20))
  // It resumes after logouts stopped waiting for it, and before a lease that starts with the late answer
  // would end.
  return stopped(instance, random.between(2_250, 3_000))
}

/** The instance is stopped right after a notification, late in its lease: a lease extended by it would outlive the wait. */
export const lateWake: Moment = async (instance, proxy, random) => {
  if (!(await next(proxy, BEAT))) return false
  await sleep(random.between(700, 900))
  if (!(await next(proxy, APPLIED))) return false
  await sleep(random.between(2, 20))
  return stopped(instance, random.between(2_450, 3_000))
}

/** Reads are in progress while a generation ends and the next begins: are their results cached? */
export const lostGeneration: Moment = async (_instance, proxy, random) => {
  const readers = new Set<Passing>()
  const stopWatching = proxy.watch(READ, (pair) => readers.add(pair))
  try {
    if (!(await next(proxy, BEAT))) return false
    await sleep(random.between(600, 850))
    for (const { answers } of readers) answers.pause()
    const pair = await next(proxy, BEAT, ({ asks }) => void asks.destroy())
    await sleep(REJOINED_MS + random.between(0, 100))
    return pair !== null
  } finally {
    stopWatching()
    for (const { answers } of readers) answers.resume()
  }
}

/** Stopped, or cut off, in the middle of any step. */
export const anyStep: Moment = async (instance, proxy, random) => {
  const cuts = random.chance(0.5)
  const step = random.pick([BEAT, NEWS, APPLIED, READ]) as string
  const pair = await next(proxy, step, ({ asks }) => {
    if (cuts) asks.destroy()
    else instance.freeze()
  })
  if (!pair || cuts) return pair !== null
  return stopped(instance, random.between(2_000, 6_000))
}

async function stopped(instance: Instance, ms: number): Promise<true> {
  instance.freeze()
  try {
    await sleep(ms)
  } finally {
    instance.thaw()
  }
  return true
}

/**
 * The connection on which an instance sends this next; `act` runs before the statement passes. Null if it
 * does not.
 */
async function next(
  proxy: PostgresProxy,
  text: string,
  act: (pair: Passing) => void = () => {},
): Promise<Passing | null> {
  const { promise, resolve } = Promise.withResolvers<Passing>()
  let seen = false
  const stopWatching = proxy.watch(text, (pair) => {
    if (seen) return
    seen = true
    act(pair)
    resolve(pair)
  })
  try {
    return await Promise.race([promise, sleep(PATIENCE_MS, null)])
  } finally {
    stopWatching()
  }
}
