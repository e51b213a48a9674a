/**
 * Simulates the lease protocol: the real cache, checker, fence, instance with its statements, and barrier, on simulated databases and
 * simulated time. A server that was replaced may still be read, by open and by new connections. The seed decides how long each call
 * takes, from nothing to longer than a lease, and whether it fails before or after its effect. Every clock is wrong by up to its bound.
 */

import './turns.ts'
import { createSessionCache } from '../../src/check/cache.ts'
import { leasedChecker } from '../../src/check/checker.ts'
import { createCalls, type Database } from '../../src/database/database.ts'
import { connectionTo, type PoolClient } from '../../src/database/pool.ts'
import type { Prepared } from '../../src/database/pooled-client.ts'
import { hashToken } from '../../src/database/token-hash.ts'
import { createBarrier } from '../../src/leases/barrier.ts'
import { createFence } from '../../src/leases/fence.ts'
import { createInstance, keepLease } from '../../src/leases/instance.ts'
import { LEASE_MS, RATE_ERROR } from '../../src/leases/lease.ts'
import { instanceStore } from '../../src/leases/queries.ts'
import type { Time } from '../../src/lib/sleep.ts'
import { simulatedDatabase } from './simulated-database.ts'

export type Step =
  | { kind: 'check'; at: number; instance: number; session: number }
  | { kind: 'logout'; at: number; sessions: number[] }
  | { kind: 'wake'; at: number; instance: number }
  /** Another login sends notifications. */
  | { kind: 'forge'; at: number; sessions: number[] }
  /** Dead instances are reaped. */
  | { kind: 'reap'; at: number }
  /** Calls of the instance reach the database only after `ms` milliseconds. */
  | { kind: 'stall'; at: number; instance: number; ms: number }
  /** The database crashes and restarts. */
  | { kind: 'crash'; at: number }

export interface Scenario {
  seed: number
  /** The error of each clock, from -1 (slow) to 1 (fast) of the bound: three instances, then the revoker. */
  rates: [number, number, number, number]
  /** How slow and how unreliable the network and the database are, 0 to 1. */
  trouble: number
  /** Nothing fails, and every step takes at most 20 ms: then a logout takes less than a renewal. */
  quiet: boolean
  steps: Step[]
}

export interface Outcome {
  violations: string[]
  hits: number
  checks: number
  valid: number
  logouts: number
  waits: number
  lapses: number
}

const INSTANCES = 3
export const SESSIONS = 8
const TOKENS = Array.from({ length: SESSIONS }, (_, n) => `session-${n}`)
const KEYS = TOKENS.map(hashToken)
const END_MS = 5 * LEASE_MS
/** Of a check, in real time: nothing that is simulated takes as long. */
const DEADLINE_MS = 1_000
/** More than the steps of a join, a renewal, a wake and two polls take, and less than the mean wait for a renewal. */
const QUIET_MS = 450

/** Plays a scenario to its end. */
export async function play({ seed, rates, quiet, steps, ...given }: Scenario): Promise<Outcome> {
  const random = mulberry32(seed)
  const events = eventQueue()
  const database = simulatedDatabase(KEYS, END_MS, random, quiet)
  const trouble = quiet ? 0 : given.trouble
  const hostility = quiet ? 0 : 0.3
  const outcome: Outcome = { violations: [], hits: 0, checks: 0, valid: 0, logouts: 0, waits: 0, lapses: 0 }
  /** When the logout of each session was answered, in milliseconds. */
  const answeredAt = new Array<number>(SESSIONS).fill(Number.POSITIVE_INFINITY)

  /** Milliseconds: mostly short, sometimes longer than a lease. */
  const delay = () => {
    const luck = random()
    if (luck < 1 - trouble) return random() * 20
    return random() * (luck < 1 - trouble / 4 ? LEASE_MS / 3 : 2 * LEASE_MS)
  }
  /** A call over the network. It may fail before or after its effect. */
  async function remote<T>(effect: () => T, caller?: number): Promise<T> {
    await events.wait(Math.max(delay(), (stalledUntil[caller ?? -1] ?? 0) - events.now()))
    if (random() < trouble / 50) throw new Error('request lost')
    const result = effect()
    await events.wait(delay())
    if (random() < trouble / 50) throw new Error('response lost')
    return result
  }
  const timeOf = (rate: number): Time => ({
    clock: () => 1e6 * (1 + rate) + events.now() * (1 + rate * RATE_ERROR),
    sleep: (ms, signal) => events.wait(ms / (1 + rate * RATE_ERROR), signal),
  })

  /** A pool: connections stay open to the server that they were opened to. */
  function connections(): Parameters<typeof createCalls>[0]['connections'] {
    const idle: PoolClient[] = []
    function open(): PoolClient {
      const server = database.route()
      const client = {
        serverId: server,
        server,
        tryOtherHost: () => {},
        release: (broken?: Error | boolean) => void (broken || idle.push(client as PoolClient)),
        query: async ({ values }: Prepared) => ({
          rows: await remote(() => database.readTokens(server, values[0] as string[], events.now())),
        }),
      }
      return client as unknown as PoolClient
    }
    const next = async () => {
      const client = idle.pop()
      return client ? { client, isNew: false } : { client: open(), isNew: true }
    }
    return { connect: (_end, server, met) => connectionTo(server, next, met) }
  }

  const stalledUntil = new Array<number>(INSTANCES).fill(0)
  const instances = rates.slice(0, INSTANCES).map((rate, me) => {
    const time = timeOf(rate)
    const { clock } = time
    const cache = createSessionCache(SESSIONS)
    const fence = createFence()
    const checks = createCalls({
      connections: connections(),
      statements: null,
      deadlineMs: DEADLINE_MS,
      fence,
    })
    const checker = leasedChecker(checks, { record: () => {} }, cache, time)
    const query = (statement: Prepared) => remote(() => database.query(statement), me)
    const lifecycle = createInstance(instanceStore({ query: query as Database['query'] }), cache, clock)
    const holder = keepLease(lifecycle, time, {
      leased: (server) => fence.open({ server, holds: () => cache.holds(clock()) }),
      lost(error) {
        fence.close(error)
        outcome.lapses++
      },
    })
    events.at(END_MS, () => void holder.close())
    return { checker, wake: holder.wake }
  })

  async function check(instance: number, session: number): Promise<void> {
    const begun = events.now()
    const checker = instances[instance]?.checker
    const verdict = await checker?.check(TOKENS[session] ?? '')
    outcome.checks++
    if (!verdict?.valid) return
    outcome.valid++
    const over = Math.min(answeredAt[session] ?? 0, database.expiresAt(session))
    if (begun > over)
      outcome.violations.push(`instance ${instance} at ${begun}: ${session} was over at ${over}`)
  }

  /** Each instance gets a notification late, twice, or never. */
  function deliver(text: string): void {
    for (const { wake } of instances)
      for (let again = true; again && random() >= trouble; again = random() < 0.1)
        events.at(events.now() + (random() < 0.5 ? 0 : delay()), () => wake(text))
  }
  let heard: string | undefined

  const barrier = createBarrier(
    {
      laggingInstances: (revocations) => remote(() => database.laggingInstances(revocations)),
      instances: () => remote(() => database.instances()),
      notify: () =>
        remote(() => {
          const { text, carried } = database.notice()
          deliver(text)
          heard = text
          // The text is heard before it is delivered everywhere.
          if (random() < hostility) deliver(database.forge([], text))
          return carried
        }),
      removeDeadInstance: ({ id, beat }) => remote(() => database.removeDeadInstance(id, beat)),
    },
    { time: timeOf(rates[INSTANCES] ?? 0) },
  )

  async function logout(sessions: number[]): Promise<void> {
    if (random() < hostility) deliver(database.forge(sessions, undefined))
    const xid = await remote(() => database.end(sessions))
    const waited = await barrier.wait(xid)
    outcome.logouts++
    if (waited !== null) outcome.waits++
    if (quiet && waited !== null && waited > QUIET_MS)
      outcome.violations.push(`a logout waited ${waited} ms, and nothing had failed`)
    for (const session of sessions) answeredAt[session] = Math.min(answeredAt[session] ?? 0, events.now())
    await events.wait(1)
    await Promise.all(
      sessions.flatMap((session) => instances.map((_, instance) => check(instance, session).catch(() => {}))),
    )
  }

  const run = (step: Step) => {
    switch (step.kind) {
      case 'check':
        return check(step.instance, step.session)
      case 'logout':
        return logout(step.sessions)
      case 'reap':
        return barrier.reapDeadInstances()
      case 'wake':
        return instances[step.instance]?.wake()
      case 'forge':
        return deliver(database.forge(step.sessions, heard))
      case 'stall':
        if (quiet) return
        stalledUntil[step.instance] = events.now() + step.ms
        return
      case 'crash':
        return quiet ? undefined : database.crash()
    }
  }
  for (const step of steps) events.at(step.at, () => void Promise.resolve(run(step)).catch(() => {}))
  await events.run(END_MS + 3 * LEASE_MS)
  for (const { checker } of instances) outcome.hits += checker.counts.hits
  return outcome
}

/** Simulated time: a queue of events. Between two events every promise that can settle does. */
function eventQueue() {
  const queue: { at: number; run: () => void }[] = []
  let now = 0
  function at(time: number, run: () => void): void {
    let place = queue.length
    while (place > 0 && (queue[place - 1]?.at ?? 0) < time) place--
    queue.splice(place, 0, { at: time, run })
  }
  return {
    now: () => now,
    at,
    wait: (ms: number, signal?: AbortSignal) =>
      new Promise<void>((done) => {
        signal?.addEventListener('abort', () => done(), { once: true })
        at(now + ms, done)
      }),
    async run(until: number): Promise<void> {
      for (let next = queue.pop(); next && next.at <= until; next = queue.pop()) {
        now = next.at
        next.run()
        // Enough turns for the longest chain of promises; setImmediate would take four times as long.
        for (let turn = 0; turn < 60; turn++) await null
      }
    },
  }
}

/** A small seeded generator (Tommy Ettinger's mulberry32): numbers in [0, 1). */
function mulberry32(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
