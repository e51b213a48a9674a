/**
 * Faults at chosen steps of a lease, told by the statements that an instance sends: what chance alone meets once in
 * hours. The steps are those of ARCHITECTURE.md; a statement that changed its text is met no more, and a run that met
 * none of them fails.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Instance } from './instances.ts'
import type { Passing, PostgresProxy } from './proxy.ts'
import type { Random } from './random.ts'

/** What identifies a step in what is sent. */
const BEAT = 'set "beat"'
const NEWS = 'read-news'
const APPLIED = 'set "applied"'
const READ = 'read-tokens'

/** A renewal comes every second; an instance that is not renewing is not waited for. */
const PATIENCE_MS = 2_500
/** The service gives up a statement of a lease or a check after a second. */
const DEADLINE_MS = 1_000
/** After a failure an instance waits for 500 ms before it joins again. */
const REJOINED_MS = 520

/** @returns whether the moment came. */
export type Moment = (instance: Instance, proxy: PostgresProxy, random: Random) => Promise<boolean>

/**
 * The answer to a renewal is late, and the instance is stopped as soon as it has it: until when does it believe to hold
 * its lease?
 */
export const lateRenewal: Moment = async (instance, proxy, random) => {
  if (!(await next(proxy, BEAT))) return false
  const pair = await next(proxy, NEWS, ({ answers }) => void answers.pause())
  if (!pair) return false
  await sleep(random.between(600, DEADLINE_MS - 50))
  pair.answers.resume()
  await sleep(random.between(2, 20))
  // Awake again just after logouts no longer wait for it, and just before a lease counted from the late answer is over.
  return stopped(instance, random.between(2_250, 3_000))
}

/**
 * The instance is stopped right after it woke, late in its lease: a lease that a wake had extended would outlive what
 * those who revoke wait for.
 */
export const lateWake: Moment = async (instance, proxy, random) => {
  if (!(await next(proxy, BEAT))) return false
  await sleep(random.between(700, 900))
  if (!(await next(proxy, APPLIED))) return false
  await sleep(random.between(2, 20))
  return stopped(instance, random.between(2_450, 3_000))
}

/** Reads are under way while a life ends and the next begins: what do they leave behind? */
export const lostLife: Moment = async (_instance, proxy, random) => {
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

/** The connection on which an instance sends this next; `act` comes before it passes on. Null when it does not. */
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
