/**
 * Plausible bugs, each an edit of one source file that is applied while a server loads it (`register.ts`). The prover must
 * catch each. The text of each is found exactly once in its file (`table.test.ts`).
 */
import type { FaultName, Mode } from '../faults.ts'

export interface Mutation {
  /** The plausible reasoning behind the bug. */
  meaning: string
  /** The mode and the fault under which it is caught; null: only the simulation meets it often enough. */
  mode: Mode
  fault: FaultName | null
  /** In the simulation, scenarios with callers catch it. */
  callers?: true
  /** In the checkout. */
  file: string
  find: string
  replace: string
}

export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  'touch-as-upsert': {
    meaning:
      'an activity update reads the rows and saves them, as an ORM does: a session deleted in between is back',
    mode: 'database',
    fault: 'none',
    file: 'src/sessions/queries.ts',
    find: `  const due = db
    .select({ id: session.id })
    .from(session)
    .where(and(inArray(session.id, [...sessionIds]), isValid, activity ? lastSeenIsStale : unseen))
    .for('update', { skipLocked: true })
  const seen = activity ? { lastSeenAt: now } : { passiveAt: now }
  await db.update(session).set(seen).where(inArray(session.id, due))`,
    replace: `  const due = await db
    .select()
    .from(session)
    .where(and(inArray(session.id, [...sessionIds]), isValid, activity ? lastSeenIsStale : unseen))
  if (due.length === 0) return
  const seen = activity ? { lastSeenAt: now } : { passiveAt: now }
  // The column hashes what it is given, and these are hashes already.
  const rows = due.map((row) => ({ ...row, sessionToken: sql\`\${row.sessionToken}\`, ...seen }))
  await db.insert(session).values(rows).onConflictDoUpdate({ target: session.id, set: seen })`,
  },
  'error-as-401': {
    meaning: 'an error while reading the session counts as "no session"',
    mode: 'database',
    fault: 'cut',
    file: 'src/check/checker.ts',
    find: 'const found = await lookUp(hashToken(token)).catch(undecided)',
    replace: 'const found = await lookUp(hashToken(token)).catch(() => null)',
  },
  'fill-without-mark': {
    meaning: 'a read that was in progress when its session was revoked is cached',
    mode: 'leased',
    fault: 'none',
    file: 'src/check/cache.ts',
    find: `        entries.delete(key)
        reads.delete(key)`,
    replace: '        entries.delete(key)',
  },
  'reads-kept-across-generations': {
    meaning: 'a read that was in progress when the lease was lost is cached in the next generation',
    mode: 'leased',
    fault: 'moment',
    file: 'src/check/cache.ts',
    find: `      open = false
      entries.clear()
      reads.clear()`,
    replace: `      open = false
      entries.clear()`,
  },
  'applied-before-drop': {
    meaning: 'an instance confirms a revocation, and evicts the session afterwards',
    mode: 'leased',
    fault: 'none',
    file: 'src/leases/instance.ts',
    find: '    cache.evict(revoked, changes.snapshot)',
    replace: `    await store.acknowledge(id, { last: changes, notices: [] })
    cache.evict(revoked, changes.snapshot)`,
  },
  'notice-before-drop': {
    meaning: 'an instance confirms a notice, and evicts its sessions afterwards',
    mode: 'leased',
    fault: null,
    file: 'src/leases/instance.ts',
    find: '      const applied = !cache.lends?.() && texts !== null && applyNotices(texts)\n',
    replace: `      const early = texts ?? []
      await store.acknowledge(id, { last, notices: [...notices, ...early.map(digestOf)] })
      const applied = texts !== null && applyNotices(texts)
`,
  },
  'notice-not-marked': {
    meaning:
      'a notice evicts sessions, but not the reads of them that are in progress: those see the revocation, or so it seems',
    mode: 'leased',
    fault: null,
    file: 'src/check/cache.ts',
    find: `        entries.delete(key)
        reads.delete(key)`,
    replace: `        entries.delete(key)
        if (new Error().stack?.includes('catchUp')) reads.delete(key)`,
  },
  'notice-without-digest': {
    meaning: 'an instance confirms the number of a notice, not what it evicted: a forged one says less',
    mode: 'leased',
    fault: null,
    file: 'src/leases/notice.ts',
    find: `createHash('sha256').update(text).digest('hex').slice(0, 32)`,
    replace: `(text.split(' ')[0] ?? '')`,
  },
  'notice-without-nonce': {
    meaning: 'the digest is of what was evicted alone: a forged notice has it confirmed before the commit',
    mode: 'leased',
    fault: null,
    file: 'src/leases/notice.ts',
    find: `createHash('sha256').update(text).digest('hex')`,
    replace: `createHash('sha256').update(text.slice(text.indexOf(' '))).digest('hex')`,
  },
  'notice-of-another-policy': {
    meaning: 'an instance confirms a notice, although the policy has changed, and all sessions may be over',
    mode: 'leased',
    fault: null,
    file: 'src/leases/instance.ts',
    find: 'if (notice?.policy !== last.policy) return false',
    replace: 'if (!notice) return false',
  },
  't-after-reply': {
    meaning: 'the lease starts when the answer to its renewal arrives',
    mode: 'leased',
    fault: 'moment',
    file: 'src/leases/instance.ts',
    find: 'cache.extend(sentAt, clock())',
    replace: 'cache.extend(clock(), clock())',
  },
  'renewal-without-beat': {
    meaning: 'a renewal reads the revocations, but does not publish its beat',
    mode: 'leased',
    fault: 'notify',
    file: 'src/leases/instance.ts',
    find: '      if (!(await store.heartbeat(id, applied))) return false\n',
    replace: '',
  },
  'heartbeat-acknowledges-ahead': {
    meaning: 'a heartbeat acknowledges the snapshot of its own moment, which the renewal is about to apply',
    mode: 'leased',
    fault: 'none',
    file: 'src/leases/instance.ts',
    find: 'store.heartbeat(id, applied)',
    replace: 'store.heartbeat(id, { last: await store.begin(), notices })',
  },
  'wake-forgotten': {
    meaning: 'a notification during a read counts as answered by it: the logout waits for the next renewal',
    mode: 'leased',
    fault: null,
    file: 'src/leases/instance.ts',
    find: '        going = await instance.wake(takeTexts())',
    replace: `        going = await instance.wake(texts)
        takeTexts()`,
  },
  'notification-forgotten': {
    meaning: 'a notification that is being sent, or was sent within 20 ms, speaks for a later logout, too',
    mode: 'leased',
    fault: null,
    file: 'src/leases/barrier.ts',
    find: '      void notify(revocation).catch(() => {})',
    replace: `      store.sending ??= notify(revocation)
        .catch(() => {})
        .finally(() => delete store.sending)`,
  },
  'heartbeat-not-durable': {
    meaning: 'a join and a heartbeat do not wait for the disk either',
    mode: 'leased',
    fault: null,
    file: 'src/leases/queries.ts',
    find: "    then pg_catalog.set_config('synchronous_commit', 'on', true) end",
    replace: "    then pg_catalog.set_config('synchronous_commit', 'off', true) end",
  },
  'wake-extends-lease': {
    meaning: 'the read after a notification extends the lease like a renewal',
    mode: 'leased',
    fault: 'moment',
    file: 'src/leases/instance.ts',
    find: `      if (!applied && (await catchUp()) === null) return false
`,
    replace: `      const sentAt = clock()
      if (!applied && (await catchUp()) === null) return false
      if (!cache.extend(sentAt, clock())) return false
`,
  },
  'wait-skipped': {
    meaning: 'a logout answers after its commit and does not wait',
    mode: 'leased',
    fault: 'none',
    file: 'src/leases/barrier.ts',
    find: '      const waited = await waitForInstances(revocation)',
    replace: `      void waitForInstances(revocation)
      const waited = false`,
  },
  'lease-ignored': {
    meaning: 'the cache answers without checking the lease',
    mode: 'leased',
    fault: 'stop',
    file: 'src/check/cache.ts',
    find: `      if (!holds(now)) return undefined
`,
    replace: '',
  },
  'answers-without-lease': {
    meaning: 'an instance that lost its lease reads the database, as in database mode',
    mode: 'leased',
    fault: 'split',
    file: 'src/database/calls.ts',
    find: 'const server = fence ? await fence.enter(end) : null',
    replace: 'const server: string | null = null',
  },
  'connection-not-verified': {
    meaning: 'an open connection is used, although another server has granted the lease since',
    mode: 'leased',
    fault: 'split',
    file: 'src/database/pool.ts',
    find: 'if (server === null || client.serverId === server) return client',
    replace: 'return client',
  },
  'standby-accepted': {
    meaning: 'a connection to a standby is used for reads',
    mode: 'database',
    fault: 'standby',
    file: 'src/database/server-state.ts',
    find: `  if (recovering)
`,
    replace: `  if (recovering === null)
`,
  },
  'callers-not-waited-for': {
    meaning: 'an instance acknowledges what it has applied itself, before its callers have',
    mode: 'leased',
    fault: 'none',
    callers: true,
    file: 'src/leases/grants.ts',
    find: `      return recent.shows(least)`,
    replace: `      return recent.shows(recent.total())`,
  },
  'notices-while-lending': {
    meaning: 'an instance that lends its lease applies notices, too, as an instance without callers does',
    mode: 'leased',
    fault: 'none',
    callers: true,
    file: 'src/leases/instance.ts',
    find: `!cache.lends?.() && texts !== null`,
    replace: `texts !== null`,
  },
  'notices-between-callers': {
    meaning:
      'an instance applies notices while no caller holds a part of its lease: the next grant, from the snapshot read last, lacks them',
    mode: 'leased',
    fault: null,
    callers: true,
    file: 'src/leases/instance.ts',
    find: `!cache.lends?.() && texts !== null`,
    replace: `!cache.outlived?.() && texts !== null`,
  },
  'lends-without-reading': {
    meaning:
      'an instance that has applied notices lends at once when its first caller comes, from the snapshot that it read last',
    mode: 'leased',
    fault: null,
    callers: true,
    file: 'src/leases/grants.ts',
    find: `        lends = 'asked'
        onFirstCaller?.()`,
    replace: `        lends = 'yes'
        return`,
  },
  'grant-not-capped': {
    meaning: 'a caller gets a whole lease, whatever is left of the lease of its instance',
    mode: 'leased',
    fault: 'stop',
    callers: true,
    file: 'src/leases/grants.ts',
    find: `ms: left * (1 - 2 * RATE_ERROR)`,
    replace: `ms: HELD_MS * (1 - 2 * RATE_ERROR)`,
  },
  'grant-without-lease': {
    meaning: 'an instance that has lost its lease still lends one',
    mode: 'leased',
    fault: 'slow',
    callers: true,
    file: 'src/leases/grants.ts',
    find: `      const left = leaseUntil - clock()`,
    replace: `      const left = leaseUntil > clock() ? leaseUntil - clock() : HELD_MS`,
  },
  'grant-acknowledges-sent': {
    meaning: 'what was sent to a caller counts as applied by it',
    mode: 'leased',
    fault: 'stop',
    callers: true,
    file: 'src/leases/grants.ts',
    find: `if (applied !== null && applied > known.applied) {
      const wasLast = known.applied <= least && --behind <= 0
      known.applied = applied`,
    replace: `if (known.applied < recent.total()) {
      const wasLast = true
      known.applied = recent.total()`,
  },
  'row-removed-under-callers': {
    meaning:
      'an instance that has lost its lease removes its row, although callers still hold a part of the lease',
    mode: 'leased',
    fault: null,
    callers: true,
    file: 'src/leases/instance.ts',
    find: `if (id && !cache.outlived?.())`,
    replace: `if (id)`,
  },
  'caller-keeps-raced-reads': {
    meaning: 'a caller keeps each valid answer, also one that was read before what it has evicted',
    mode: 'leased',
    fault: 'none',
    callers: true,
    file: 'src/leases/caller.ts',
    find: `readAfter.server === cursor?.server && !isOlder(readAfter, cursor)`,
    replace: `readAfter.server === cursor?.server`,
  },
  'caller-t-after-reply': {
    meaning: 'the lease of a caller starts when the answer arrives',
    mode: 'leased',
    fault: 'slow',
    callers: true,
    file: 'src/leases/caller.ts',
    find: `const until = sentAt + lease.ms`,
    replace: `const until = clock() + lease.ms`,
  },
  'caller-lease-before-drop': {
    meaning: 'a caller takes the lease at once, and evicts what was revoked with its next renewal',
    mode: 'leased',
    fault: 'none',
    callers: true,
    file: 'src/leases/caller.ts',
    find: `      memory.evict(revoked)`,
    replace: `      const later = { revoked: memory.evict.later ?? [] }
      memory.evict.later = revoked
      memory.evict(later.revoked)`,
  },
  'caller-lease-ignored': {
    meaning: 'a caller answers from memory without checking its lease',
    mode: 'leased',
    fault: 'stop',
    callers: true,
    file: 'src/leases/caller.ts',
    find: `holds: (now: number) => now < leaseUntil`,
    replace: `holds: () => leaseUntil > Number.NEGATIVE_INFINITY`,
  },
}
