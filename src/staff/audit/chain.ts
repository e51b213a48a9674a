/**
 * The chain over operations: each link hashes the digest of one operation with the link before. Whoever changes or removes
 * an operation breaks it, and `verify` names the row. Whoever owns the tables can make the whole chain anew from some link
 * on, or cut its end off: that shows only against a head that was noted elsewhere, which is why the log tells it.
 */
import { hash } from 'node:crypto'
import type { Database } from '../../database/database.ts'
import { sqlState } from '../../database/failures.ts'
import {
  type Head,
  type Link,
  type OperationPosition,
  readCoverage,
  readHead,
  readLinks,
  readRevocationCountMismatches,
  sealOperations,
} from './queries.ts'

/** Rows of one query of `verify`. */
const BATCH = 5_000
/**
 * Operations of one transaction of the sealer. Each looks at all that wait, so that few large ones are better when many
 * wait after a long absence; it may take so many milliseconds.
 */
const SEALED_AT_ONCE = 200_000
const SEAL_MS = 300_000
/** The hash that the first link builds on. */
const GENESIS: Buffer = hash('sha256', 'global-logout audit', 'buffer')
const BEGINNING: OperationPosition = ['-infinity', '00000000-0000-0000-0000-000000000000']

/** What of a chain is not as it was written. */
export interface Finding {
  kind:
    | 'operation_changed'
    | 'operation_missing'
    | 'operation_unsealed'
    | 'revocation_count_mismatch'
    | 'link_changed'
    | 'link_missing'
    | 'head_changed'
    | 'head_not_as_noted'
  /** Which link, and which operation. */
  seq?: number
  operationId?: string
  /** In words, for people. */
  detail: string
}

export interface Verification {
  operations: number
  links: number
  /** `seq:hash`, to note elsewhere, and to expect next time. */
  head: string
  findings: Finding[]
}

/** Adds links for all operations that have none. @returns how many. */
export async function seal({ transaction }: Pick<Database, 'transaction'>): Promise<number> {
  for (let total = 0; ; ) {
    const added = await transaction(async (tx) => {
      await tx.extend(SEAL_MS)
      return sealOperations(tx, SEALED_AT_ONCE)
    })
    total += added
    if (added < SEALED_AT_ONCE) return total
  }
}

/** Where the head was set back, sealing fails on links that are there already. What is wrong, the walk tells. */
async function sealIfPossible(database: Pick<Database, 'transaction'>): Promise<number> {
  const UNIQUE_VIOLATION = '23505'
  try {
    return await seal(database)
  } catch (error) {
    if (sqlState(error) === UNIQUE_VIOLATION) return 0
    throw error
  }
}

/** @returns the head of the chain as `seq:hash`. */
export async function readChainHead({ run }: Pick<Database, 'run'>): Promise<string> {
  return write(await run(readHead))
}

/**
 * Recomputes the whole chain, from the first operation on, after sealing what is new.
 * @param expect a head noted earlier, `seq:hash`.
 * @throws Error when `expect` is not spelled like one.
 */
export async function verify(
  database: Pick<Database, 'run' | 'transaction'>,
  { expect }: { expect?: string | undefined } = {},
): Promise<Verification> {
  const noted = expect === undefined ? null : read(expect)
  await sealIfPossible(database)
  const { findings, links, head, at, last } = await walkLinks(database, noted?.seq)
  if (noted && !at?.equals(noted.hash)) findings.push(headMismatch(noted, last.seq))
  const { operations, uncovered } = await walkOperations(database)
  for (const operationId of uncovered) {
    const detail = `operation ${operationId} is older than a minute and has no link`
    findings.push({ kind: 'operation_unsealed', operationId, detail })
  }
  findings.push(...(await findRevocationCountMismatches(database)))
  return { operations, links, head: write(head), findings }
}

/**
 * Goes through all links, also those that the head says nothing of. `head` is the one that was read with the last of them,
 * `at` the hash at the link `noted`, `last` the last link there is.
 */
async function walkLinks({ run }: Pick<Database, 'run'>, noted: number | undefined) {
  const findings: Finding[] = []
  let last: Head = { seq: 0, hash: GENESIS }
  let at = noted === 0 ? GENESIS : undefined
  let links = 0
  let head: Head
  /** What the next link may build on; null when the link before is gone. */
  let bases: Buffer[] | null = [GENESIS]
  const lost = (from: number, to: number) => {
    const which = from === to ? `link ${from} is` : `links ${from} to ${to} are`
    findings.push({ kind: 'link_missing', seq: from, detail: `${which} missing` })
  }
  for (;;) {
    const batch = await run((db) => readLinks(db, last.seq, BATCH))
    head = batch.head
    for (const link of batch.links) {
      if (link.seq !== last.seq + 1) {
        lost(last.seq + 1, link.seq - 1)
        bases = null
      }
      const found = examine(link, bases)
      if (found) findings.push(found)
      // Where a link was changed, what comes next was built on what it says, or on what it should say.
      const ought: Buffer | undefined = found?.kind === 'link_changed' ? bases?.at(-1) : undefined
      bases = ought ? [link.hash, follow(ought, link.digest)] : [link.hash]
      if (link.seq === noted) at = link.hash
      last = link
      links++
    }
    if (batch.links.length < BATCH) break
  }
  if (last.seq < head.seq) lost(last.seq + 1, head.seq)
  else if (!last.hash.equals(head.hash) || last.seq > head.seq) {
    const detail = `the head says ${write(head)}, the last link is ${write(last)}`
    findings.push({ kind: 'head_changed', seq: head.seq, detail })
  }
  return { findings, links, head, at, last }
}

/** What is wrong with one link or its operation. */
function examine({ seq, operationId, hash, digest, now }: Link, bases: Buffer[] | null): Finding | null {
  const where = { seq, operationId }
  const builtOn = (worth: Buffer) => bases === null || bases.some((base) => follow(base, worth).equals(hash))
  if (!builtOn(digest))
    return { kind: 'link_changed', ...where, detail: `link ${seq} (operation ${operationId}) was changed` }
  if (now === null)
    return {
      kind: 'operation_missing',
      ...where,
      detail: `operation ${operationId} (link ${seq}) is missing`,
    }
  if (!now.equals(digest))
    return {
      kind: 'operation_changed',
      ...where,
      detail: `operation ${operationId} (link ${seq}) was changed`,
    }
  return null
}

function headMismatch(noted: Head, last: number): Finding {
  const detail =
    last < noted.seq
      ? `the chain ends at link ${last}, but had reached ${noted.seq}: later links were removed`
      : `link ${noted.seq} differs from the stored head: the chain was rebuilt`
  return { kind: 'head_not_as_noted', seq: noted.seq, detail }
}

/** Every operation older than a minute has its link. What was committed late is sealed, and looked at again. */
async function walkOperations(database: Pick<Database, 'run' | 'transaction'>) {
  let operations = 0
  const uncovered: string[] = []
  for (let place: OperationPosition | null = BEGINNING; place; ) {
    const from: OperationPosition = place
    const look = () => database.run((db) => readCoverage(db, from, BATCH))
    let page = await look()
    if (page.uncovered.length > 0 && (await sealIfPossible(database)) > 0) page = await look()
    operations += page.count
    uncovered.push(...page.uncovered)
    place = page.last
  }
  return { operations, uncovered }
}

/** Whoever deletes sessions and names an operation that had ended others is no part of that operation. */
async function findRevocationCountMismatches({
  transaction,
}: Pick<Database, 'transaction'>): Promise<Finding[]> {
  const mismatches = await transaction(async (tx) => {
    await tx.extend(SEAL_MS)
    return readRevocationCountMismatches(tx)
  })
  return mismatches.map(({ operationId, recorded, told }) => ({
    kind: 'revocation_count_mismatch',
    operationId,
    detail: `operation ${operationId} states ${told} ended sessions, but ${recorded} are recorded under it`,
  }))
}

function follow(base: Buffer, digest: Buffer): Buffer {
  return hash('sha256', Buffer.concat([base, digest]), 'buffer')
}

function write({ seq, hash }: Head): string {
  return `${seq}:${hash.toString('hex')}`
}

function read(text: string): Head {
  const [, seq, hex = ''] = /^(\d{1,15}):([0-9a-f]{64})$/i.exec(text.trim()) ?? []
  if (seq === undefined) throw new Error('a chain head has the form NUMBER:HASH, as "audit verify" prints it')
  return { seq: Number(seq), hash: Buffer.from(hex, 'hex') }
}
