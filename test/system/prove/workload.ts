/**
 * The workload of a run. Check loops ask every instance and caller all the time; actors sign in, log out in every scope, delete by
 * SQL and shorten `expires`. The sessions of each logout are checked on every one of them: while it runs, so that reads are
 * in progress; as soon as it has answered, where a broken promise shows; and for some seconds after.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Calls } from './calls.ts'
import type { Logout, Scope } from './history.ts'
import type { Instance } from './instances.ts'
import { createRandom, type Random } from './random.ts'
import type { Device, Users } from './users.ts'

export interface WorkloadOptions {
  seed: number
  users: Users
  calls: Calls
  instances: Instance[]
  /** Asked for checks only. */
  callers?: Instance[]
  /** Check loops, shared evenly among instances and callers. */
  clients: number
  /** How long each waits between two checks, for runs whose other programs need the CPU. */
  pauseMs?: number
  /** Loops that sign in and out. By default so many that some are free while an instance is stopped. */
  actors?: number
  /** Logouts for each check, at most. */
  logoutsPerCheck: number
}

/** For each check loop: enough that some are free while an instance is stopped, when each logout waits for the length of a lease. */
const ACTORS = 1.6
/** The least number of devices that a user has before a session is ended. */
const DEVICES = 4
/** Checks that may wait for one instance. While it is stopped, more would show nothing new. */
const WAITING_CHECKS = 300
/** How long an ended session is still checked: longer than a lease. */
const AFTERMATH_MS = 4_500
/** Sessions that are checked at once at the end. */
const AT_ONCE = 10
/** Within this time every activity update is written, and a session that it revives is back. */
const TOUCHES_MS = 1_500
const ACTS = { logout: 80, deletion: 12, expiry: 8 } as const
const SCOPES: Record<Scope, number> = { local: 30, one: 20, others: 20, global: 30 }

export function startWorkload(options: WorkloadOptions) {
  const {
    seed,
    users,
    calls,
    instances,
    callers = [],
    clients,
    pauseMs = 0,
    actors = Math.ceil(ACTORS * clients),
    logoutsPerCheck,
  } = options
  const checked = [...instances, ...callers]
  let stopping = false
  /** How many logouts may still begin. It starts above zero, since actors also sign the users in. */
  let allowance = actors
  const later = createLater()
  const logouts = { done: 0 }

  async function checkLoop(client: number): Promise<void> {
    const random = createRandom(seed, `client ${client}`)
    const instance = checked[client % checked.length] as Instance
    while (!stopping) {
      const device = chooseDevice(random)
      const verdict = device && (await calls.check(instance, device))
      if (verdict) allowance += logoutsPerCheck
      // A killed instance refuses connections at once, and would be asked thousands of times.
      if (!verdict || verdict === 'lost') await sleep(verdict ? 50 : 1)
      else if (pauseMs > 0) await sleep(pauseMs)
    }
  }

  /** Usually a device that is signed in, sometimes one that is signed out. */
  function chooseDevice(random: Random): Device | undefined {
    if (random.chance(0.1)) return random.pick(users.over)
    const device = random.pick(users.of(random.below(users.count)))
    return device?.quiet ? undefined : device
  }

  async function actorLoop(actor: number): Promise<void> {
    const random = createRandom(seed, `actor ${actor}`)
    while (!stopping) {
      if (allowance < 1) {
        await sleep(random.between(5, 50))
        continue
      }
      allowance--
      const user = random.below(users.count)
      for (let missing = DEVICES - users.of(user).length; missing > 0; missing--)
        await users.signIn(user, random)
      if (!(await act(user, random))) allowance++
    }
  }

  /** @returns whether it was a logout that was answered. */
  async function act(user: number, random: Random): Promise<boolean> {
    const devices = users.of(user).filter(({ ending }) => !ending)
    const device = random.chance(0.03) ? random.pick(users.over) : random.pick(devices)
    if (!device) return false
    const kind = random.weighted(ACTS)
    if (kind === 'logout') return logOut(device, random)
    if (kind === 'expiry') await expire(device, random)
    if (kind === 'deletion') await remove(devices.slice(0, 1 + random.below(2)), random)
    return false
  }

  async function logOut(actor: Device, random: Random): Promise<boolean> {
    const scope = random.weighted(SCOPES)
    const devices = [...users.of(actor.user)]
    const target = random.pick(devices) ?? actor
    const meant = {
      local: [actor],
      one: [target],
      others: devices.filter((device) => device !== actor),
      global: devices,
    }[scope]
    for (const device of meant) device.ending = true
    for (const device of meant)
      for (const instance of checked)
        if (random.chance(0.5)) later(random.between(0, 15), () => check(instance, device))
    if (random.chance(0.25)) later(random.between(0, 10), () => users.signIn(actor.user, random))

    const outcome = await untilDefinite(random, (instance) => calls.logout(instance, scope, actor, target))
    for (const device of meant) device.ending = false
    if (outcome !== 'done') {
      // While no request is answered, all actors at once would use up the instances' connections.
      await sleep(random.between(50, 500))
      return false
    }
    logouts.done++
    aftermath(meant, random)
    return true
  }

  /** Repeats a logout that is not definite, at any instance, as a client does. */
  async function untilDefinite(
    random: Random,
    ask: (instance: Instance) => Promise<Logout>,
  ): Promise<Logout['outcome']> {
    let { outcome } = await ask(random.pick(instances) as Instance)
    for (let tries = 0; tries < 5 && (outcome === 'unknown' || outcome === 'nothing') && !stopping; tries++) {
      await sleep(random.between(20, 400))
      outcome = (await ask(random.pick(instances) as Instance)).outcome
    }
    return outcome
  }

  async function remove(devices: Device[], random: Random): Promise<void> {
    const { outcome } = await users.remove(devices)
    if (outcome === 'done') aftermath(devices, random)
  }

  async function expire(device: Device, random: Random): Promise<void> {
    if (device.dated) return
    device.dated = true
    const ttl = Math.round(random.between(500, 5_000))
    const { outcome } = await users.expire(device, ttl)
    if (outcome !== 'done') return
    device.ending = true
    for (const instance of checked)
      for (const moment of [ttl - 100, ttl + 60, ttl + random.between(0, AFTERMATH_MS)])
        later(moment, () => check(instance, device))
  }

  /** Checks ended sessions on every instance, at once and again later. */
  function aftermath(devices: readonly Device[], random: Random): void {
    for (const device of devices) {
      for (const instance of checked) void check(instance, device)
      users.isOver(device)
      for (let again = 0; again < 2; again++) {
        const instance = random.pick(checked) as Instance
        later(random.between(0, AFTERMATH_MS), () => check(instance, device))
      }
    }
  }

  async function check(instance: Instance, device: Device): Promise<void> {
    if (instance.wire.waiting < WAITING_CHECKS) await calls.check(instance, device)
  }

  const loops = [
    ...Array.from({ length: clients }, (_, client) => checkLoop(client)),
    ...Array.from({ length: actors }, (_, actor) => actorLoop(actor)),
  ]

  return {
    logouts: logouts as Readonly<typeof logouts>,
    /** Starts nothing new, and resolves when everything in progress has ended. */
    async stop(): Promise<void> {
      stopping = true
      await Promise.all(loops)
      await sleep(TOUCHES_MS)
      await later.finish()
    },
    /** Checks every session on every instance and caller once more. */
    async checkAll(): Promise<void> {
      const devices = [...users.all(), ...users.over].values()
      const checkNext = async () => {
        for (const device of devices)
          await Promise.all(checked.map((instance) => calls.check(instance, device)))
      }
      await Promise.all(Array.from({ length: AT_ONCE }, checkNext))
    },
  }
}

/** Runs work after a delay. `finish` runs what is not due yet at once, and waits for all of it. */
function createLater() {
  const waiting = new Set<Promise<unknown>>()
  const end = new AbortController()
  function later(ms: number, work: () => Promise<unknown>): void {
    const done: Promise<unknown> = sleep(ms, undefined, { signal: end.signal })
      .catch(() => {})
      .then(work)
      .finally(() => waiting.delete(done))
    waiting.add(done)
  }
  later.finish = async () => {
    end.abort()
    while (waiting.size > 0) await Promise.all(waiting)
  }
  return later
}
