/**
 * Simulates the lease protocol: the real cache, checker, fence, instance with its statements, and barrier, on simulated databases and
 * simulated time; in some scenarios callers, too, that hold leases of two instances behind a load balancer. A server that was replaced may still be read, by open and by new connections. The seed decides how long each call
 * takes, from nothing to longer than a lease, and whether it fails before or after its effect. Every clock is wrong by up to its bound.
 */

import './turns.ts'
import { createSessionCache } from '../../src/check/cache.ts'
import { leasedChecker } from '../../src/check/checker.ts'
import { readTokens } from '../../src/check/queries.ts'
import { createCalls, type Database } from '../../src/database/database.ts'
import type { Prepared } from '../../src/database/pooled-client.ts'
import { hashToken } from '../../src/database/token-hash.ts'
import { createBarrier } from '../../src/leases/barrier.ts'
import { createFence } from '../../src/leases/fence.ts'
import { createGrants, type GrantRequest } from '../../src/leases/grants.ts'
import { createInstance, keepLease } from '../../src/leases/instance.ts'
import { LEASE_MS, RENEW_MS } from '../../src/leases/lease.ts'
import { createLender } from '../../src/leases/lender.ts'
import { instanceStore } from '../../src/leases/queries.ts'
import { type Answer, type Network, simulatedCaller, simulatedWorker } from './simulated-caller.ts'
import { simulatedDatabase, simulatedPool } from './simulated-database.ts'
import { clockOf, eventQueue, mulberry32 } from './simulated-time.ts'

export type Step =
  | { kind: 'check'; at: number; instance: number; session: number }
  | { kind: 'logout'; at: number; sessions: number[] }
  | { kind: 'wake'; at: number; instance: number }
  /** Another login sends notifications. */
  | { kind: 'forge'; at: number; sessions: number[] }
  /** Dead instances are reaped. */
  | { kind: 'reap'; at: number }
  /** Calls of the instance, or of the caller, reach the other side only after `ms` milliseconds. */
  | { kind: 'stall'; at: number; instance: number; ms: number }
  /** The database crashes and restarts. */
  | { kind: 'crash'; at: number }
  /** The caller ends, and another one takes its place. */
  | { kind: 'restart'; at: number; instance: number }

export interface Scenario {
  seed: number
  /** Two instances lend leases to three callers, which are asked in place of three instances. */
  callers: boolean
  /** The callers are workers: each asks one instance only, and reads the database itself. */
  workers: boolean
  /**
   * An instance applies notices until its first caller comes. Callers come at some time, and only to the first instance while they hold
   * a lease. Not where callers are workers.
   */
  late: boolean
  /** Instances lend to callers that hold a lease of another one, too. */
  anyInstance: boolean
  /** How often a request of a caller goes to another instance than its last one, 0 to 1. */
  moves: number
  /** How long a caller gets no lease after it let a revocation wait, in milliseconds. */
  suspendedMs: number
  /** A stolen key makes up a new caller for each request, which never asks again. */
  thief: boolean
  /** The error of each clock, from -1 (slow) to 1 (fast) of the bound: the revoker, then instances, then callers. */
  rates: number[]
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
  /** Logouts that waited no longer than a lease. */
  early: number
  /** Leases that callers got, and did not get because they had let a revocation wait. */
  granted: number
  suspended: number
}

const CALLERS = 3
export const SESSIONS = 8
const TOKENS = Array.from({ length: SESSIONS }, (_, n) => `session-${n}`)
const KEYS = TOKENS.map(hashToken)
const END_MS = 5 * LEASE_MS
/** Of a check, in real time: nothing that is simulated takes as long. */
const DEADLINE_MS = 1_000
/** More than the steps of a join, a renewal, a wake and two polls take, and less than the mean wait for a renewal. */
const QUIET_MS = 450
/** The same with a hint, and two renewals of callers. */
const QUIET_CALLERS_MS = 650
/** How long a worker waits for a lease. */
const LEASE_REQUEST_MS = 1_000

/** Plays a scenario to its end. */
export async function play({ seed, rates, quiet, steps, moves, ...given }: Scenario): Promise<Outcome> {
  const random = mulberry32(seed)
  const events = eventQueue()
  const database = simulatedDatabase(KEYS, END_MS, random, quiet)
  const trouble = quiet ? 0 : given.trouble
  const hostility = quiet ? 0 : 0.3
  const late = given.late && given.callers && !given.workers
  const outcome: Outcome = {
    violations: [],
    hits: 0,
    checks: 0,
    valid: 0,
    logouts: 0,
    waits: 0,
    lapses: 0,
    early: 0,
    granted: 0,
    suspended: 0,
  }
  /** When the logout of each session was answered, in milliseconds. */
  const answeredAt = new Array<number>(SESSIONS).fill(Number.POSITIVE_INFINITY)

  /** Milliseconds: mostly short, sometimes longer than a lease. */
  const delay = () => {
    const luck = random()
    if (luck < 1 - trouble) return random() * 20
    return random() * (luck < 1 - trouble / 4 ? LEASE_MS / 3 : 2 * LEASE_MS)
  }
  /** A call over the network. It may fail before or after its effect. */
  async function remote<T>(effect: () => T | Promise<T>, caller?: number): Promise<T> {
    await events.wait(Math.max(delay(), (stalledUntil[caller ?? -1] ?? 0) - events.now()))
    if (random() < trouble / 50) throw new Error('request lost')
    const result = await effect()
    await events.wait(delay())
    if (random() < trouble / 50) throw new Error('response lost')
    return result
  }
  const timeOf = (rate: number) => clockOf(events, rate)

  /** A pool: connections stay open to the server that they were opened to. */
  const connections = () =>
    simulatedPool(
      () => database.route(),
      (server, asked) => remote(() => database.readTokens(server, asked, events.now())),
    )

  const instanceCount = given.callers ? 2 : 3
  /** Of instances, then of callers. */
  const stalledUntil = new Array<number>(instanceCount + CALLERS).fill(0)
  const instances = Array.from({ length: instanceCount }, (_, me) => {
    const time = timeOf(rates[1 + me] ?? 0)
    const { clock } = time
    const own = createSessionCache(SESSIONS)
    const cache = createGrants(own, clock, clock, {
      suspendedMs: given.suspendedMs,
      ...(late && { onFirstCaller: () => holder.wake() }),
      onChange: () => callers.forEach((_, caller) => void hint(caller)),
      onApplied: () => holder.acknowledge(),
    })
    const fence = createFence()
    const checks = createCalls({
      connections: connections(),
      statements: null,
      deadlineMs: DEADLINE_MS,
      fence,
    })
    const checker = leasedChecker(
      (hashes) => readTokens(checks.query, hashes),
      { record: () => {} },
      own,
      time,
    )
    const query = (statement: Prepared) => remote(() => database.query(statement), me)
    const lifecycle = createInstance(
      instanceStore({ query: query as Database['query'] }),
      given.callers ? cache : own,
      clock,
    )
    const holder = keepLease(lifecycle, time, {
      leased: (server) => fence.open({ server, holds: () => own.holds(clock()) }),
      lost(error) {
        fence.close(error)
        outcome.lapses++
      },
    })
    events.at(END_MS, () => void holder.close())

    /** What it answers to a caller. */
    async function answer(token: string): Promise<Answer> {
      const readAfter = cache.cursor
      const verdict = await checker.check(token)
      const leftMs = 'validUntil' in verdict ? Number(verdict.validUntil) * 1000 - clock() : 0
      return { valid: verdict.valid, readAfter, leftMs }
    }
    const { lend } = createLender(cache, { know() {} })
    return {
      checker,
      wake: holder.wake,
      cache,
      lend,
      answer,
      check: async (token: string) => checker.check(token),
    }
  })

  /** Where the last request of each caller went. Late ones leave the second instance without callers at first. */
  const homes = Array.from({ length: CALLERS }, (_, me) => (late ? 0 : me % instanceCount))
  const callers: (ReturnType<typeof startCaller> | undefined)[] = []
  for (let me = 0; me < (given.callers ? CALLERS : 0); me++) {
    callers.push(undefined)
    const start = () => {
      callers[me] = startCaller(me)
    }
    if (late && random() < 0.5) events.at(random() * END_MS, start)
    else start()
  }

  /** The load balancer. */
  function route(me: number) {
    if (!quiet && !late && !given.workers && random() < moves)
      homes[me] = Math.floor(random() * instanceCount)
    return instances[homes[me] ?? 0] as (typeof instances)[number]
  }

  async function hint(me: number): Promise<void> {
    if (random() < trouble) return
    await events.wait(delay())
    callers[me]?.hint()
  }

  function startCaller(me: number) {
    const overNetwork = <T>(effect: () => T | Promise<T>) => remote(effect, instanceCount + me)
    const time = timeOf(rates[1 + instanceCount + me] ?? 0)
    /** A worker gives a request up after this long. */
    const tooLate = () => events.wait(LEASE_REQUEST_MS).then(() => Promise.reject(new Error('late')))
    function count<Lease extends object>(lease: Lease | string): Lease {
      if (lease === 'suspended') outcome.suspended++
      if (typeof lease === 'string') throw new Error(lease)
      outcome.granted++
      return lease
    }
    /** A session that it may have in memory; whether it has held a lease. */
    let kept = -1
    let wasLent = false
    /** To the other instance, about the time when a session is signed out that is in its memory. */
    async function move(): Promise<void> {
      homes[me] = 1 - (homes[me] ?? 0)
      if (answeredAt[kept] === Number.POSITIVE_INFINITY) void logout([kept]).catch(() => {})
      await events.wait(random() * RENEW_MS)
    }
    const worker = {
      request: async (request: GrantRequest) =>
        count(await Promise.race([overNetwork(() => route(me).cache.grant(request)), tooLate()])),
      leave: (caller: string) => void overNetwork(() => route(me).cache.leave(caller)).catch(() => {}),
    }
    const network: Network = {
      async lend(request) {
        if (late && wasLent && request.instance === null) await move()
        const instance = given.anyInstance ? null : request.instance
        const { lend } = route(me)
        const lent = await overNetwork(() => lend({ ...request, instance }))
        if (lent === 'left') return lent
        if ('refused' in lent && lent.refused === 'other_instance')
          homes[me] = Math.floor(random() * instanceCount)
        if ('refused' in lent && lent.refused === 'suspended') outcome.suspended++
        if (!('refused' in lent)) outcome.granted++
        wasLent ||= 'instance' in lent
        return lent
      },
      async check(token) {
        const answer = await overNetwork(() => route(me).answer(token))
        if (answer.valid) kept = TOKENS.indexOf(token)
        return answer
      },
    }
    const caller = given.workers
      ? simulatedWorker(time, worker, connections(), DEADLINE_MS, SESSIONS)
      : simulatedCaller(time, network)
    events.at(END_MS, () => void caller.close())
    return caller
  }

  async function restart(me: number): Promise<void> {
    const ended = callers[me]
    if (!ended || quiet) return
    callers[me] = startCaller(me)
    await ended.close()
    outcome.hits += ended.counts.hits
  }

  function steal(n: number): void {
    const { lend } = instances[n % instanceCount] as (typeof instances)[number]
    const asked = { instance: null, cursor: null, wait: false, leave: false }
    void remote(() => lend({ ...asked, caller: `thief ${n}`, key: 'thief' })).catch(() => {})
  }
  if (given.thief && given.callers && !quiet)
    for (let at = 0, n = 0; at < END_MS; at += 2 * random() * RENEW_MS, n++) events.at(at, () => steal(n))

  /** Those that are asked: instances, then callers. */
  const asked = () => [...instances, ...callers]

  async function check(who: number, session: number): Promise<void> {
    const begun = events.now()
    const verdict = await asked()[who]?.check(TOKENS[session] ?? '')
    outcome.checks++
    if (typeof verdict === 'object' ? !verdict.valid : !verdict) return
    outcome.valid++
    const over = Math.min(answeredAt[session] ?? 0, database.expiresAt(session))
    if (begun > over)
      outcome.violations.push(
        `${who < instanceCount ? `instance ${who}` : `caller ${who - instanceCount}`} at ${begun}: ${session} was over at ${over}`,
      )
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
    { time: timeOf(rates[0] ?? 0) },
  )

  async function logout(sessions: number[]): Promise<void> {
    if (random() < hostility) deliver(database.forge(sessions, undefined))
    const xid = await remote(() => database.end(sessions))
    const waited = await barrier.wait(xid)
    outcome.logouts++
    if (waited !== null) outcome.waits++
    if ((waited ?? 0) <= LEASE_MS) outcome.early++
    if (quiet && waited !== null && waited > (given.callers ? QUIET_CALLERS_MS : QUIET_MS))
      outcome.violations.push(`a logout waited ${waited} ms, and nothing had failed`)
    for (const session of sessions) answeredAt[session] = Math.min(answeredAt[session] ?? 0, events.now())
    await events.wait(1)
    await Promise.all(
      sessions.flatMap((session) => asked().map((_, who) => check(who, session).catch(() => {}))),
    )
  }

  const run = (step: Step) => {
    switch (step.kind) {
      case 'check':
        return check(given.callers ? instanceCount + step.instance : step.instance, step.session)
      case 'logout':
        return logout(step.sessions)
      case 'reap':
        return barrier.reapDeadInstances()
      case 'wake':
        return instances[step.instance % instanceCount]?.wake()
      case 'forge':
        return deliver(database.forge(step.sessions, heard))
      case 'stall':
        if (quiet) return
        stalledUntil[step.instance + (given.callers ? Math.floor(random() * instanceCount + 0.5) : 0)] =
          events.now() + step.ms
        return
      case 'crash':
        return quiet ? undefined : database.crash()
      case 'restart':
        return restart(step.instance)
    }
  }
  for (const step of steps) events.at(step.at, () => void Promise.resolve(run(step)).catch(() => {}))
  await events.run(END_MS + 3 * LEASE_MS)
  if (!given.callers) for (const { checker } of instances) outcome.hits += checker.counts.hits
  for (const caller of callers) outcome.hits += caller?.counts.hits ?? 0
  return outcome
}
