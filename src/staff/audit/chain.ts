/**
 * The hash chain over operations: each link hashes the digest of one operation with the previous link. A changed or removed
 * operation breaks the chain, and `verify` names the row. The owner of the tables can rebuild the chain or cut off its end:
 * only a chain head stored elsewhere reveals that, so the service logs the head.
 *
 * Personal fields are in the digest as salted hashes. An erasure deletes fields and salts, keeps the hashes, and states in its own
 * operation what it erased: so the chain is unchanged, and a field that is gone without an erasure is found.
 */
import { hash } from 'node:crypto'
import type { Database, Executor } from '../../database/database.ts'
import { sqlState } from '../../database/failures.ts'
import type { Finding } from './finding.ts'
import {
  type Head,
  hasLink,
  type Link,
  type OperationPosition,
  readCoverage,
  readHead,
  readLinks,
  sealOperations,
} from './queries.ts'
import { findChangedErasures, findRevocationCountMismatches } from './record-checks.ts'
import type { SealedLinks } from './sealed.ts'

/** Rows of one query of `verify`. */
const BATCH = 5_000
/**
 * Operations sealed in one transaction. Each transaction scans all unsealed operations, so a backlog needs few large ones; its
 * limit is in milliseconds.
 */
const SEALED_AT_ONCE = 200_000
const SEAL_MS = 300_000
/** The hash that the first link builds on. */
const GENESIS: Buffer = hash('sha256', 'global-logout audit', 'buffer')
const BEGINNING: OperationPosition = ['-infinity', '00000000-0000-0000-0000-000000000000']

export interface Verification {
  operations: number
  links: number
  /** Operations from which a person was erased. */
  erased: number
  /** `seq:hash`, to store elsewhere and pass as `expect` next time. */
  head: string
  findings: Finding[]
}

/**
 * Adds links for all operations that have none.
 * @param sealed called after the commit of each transaction that added some.
 * @returns how many.
 */
export async function seal(
  { transaction }: Pick<Database, 'transaction'>,
  sealed: (links: SealedLinks) => Promise<void> = async () => {},
): Promise<number> {
  for (let total = 0; ; ) {
    const { added, upTo } = await transaction(async (tx) => {
      await tx.extend(SEAL_MS)
      const added = await sealOperations(tx, SEALED_AT_ONCE)
      return { added, upTo: added > 0 ? (await readHead(tx)).seq : 0 }
    })
    if (added > 0) await sealed({ after: upTo - added, upTo })
    total += added
    if (added < SEALED_AT_ONCE) return total
  }
}

/** Sealing fails on existing links if the head was set back; the walk over the links then reports the mismatch. */
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
  return formatHead(await run(readHead))
}

/** Whether the chain has this head, or had it. @throws Error when it is not spelled like one. */
export async function hasHead(db: Executor, head: string): Promise<boolean> {
  const { seq, hash } = parseHead(head)
  return seq === 0 ? hash.equals(GENESIS) : await hasLink(db, seq, hash)
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
  const noted = expect === undefined ? null : parseHead(expect)
  await sealIfPossible(database)
  const { findings, links, erased, head, at, last } = await walkLinks(database, noted?.seq)
  if (noted && !at?.equals(noted.hash)) findings.push(headMismatch(noted, last.seq))
  const { operations, uncovered } = await walkOperations(database)
  for (const operationId of uncovered) {
    const detail = `operation ${operationId} is older than a minute and has no link`
    findings.push({ kind: 'operation_unsealed', operationId, detail })
  }
  findings.push(...(await findChangedErasures(database)), ...(await findRevocationCountMismatches(database)))
  return { operations, links, erased, head: formatHead(head), findings }
}

/**
 * Checks all links, including those beyond the head. `head` was read with the last batch, `at` is the hash of the link
 * `noted`, `last` the last link.
 */
async function walkLinks({ run }: Pick<Database, 'run'>, noted: number | undefined) {
  const findings: Finding[] = []
  let last: Head = { seq: 0, hash: GENESIS }
  let at = noted === 0 ? GENESIS : undefined
  let links = 0
  let erased = 0
  let head: Head
  /** Hashes that the next link may build on; null after a missing link. */
  let bases: Buffer[] | null = [GENESIS]
  const reportMissing = (from: number, to: number) => {
    const which = from === to ? `link ${from} is` : `links ${from} to ${to} are`
    findings.push({ kind: 'link_missing', seq: from, detail: `${which} missing` })
  }
  for (;;) {
    const batch = await run((db) => readLinks(db, last.seq, BATCH))
    head = batch.head
    for (const link of batch.links) {
      if (link.seq !== last.seq + 1) {
        reportMissing(last.seq + 1, link.seq - 1)
        bases = null
      }
      const found = checkLink(link, bases)
      if (found) findings.push(found)
      // The link after a changed one may build on its hash, or on the hash it should have.
      const expected: Buffer | undefined = found?.kind === 'link_changed' ? bases?.at(-1) : undefined
      bases = expected ? [link.hash, linkHash(expected, link.digest)] : [link.hash]
      if (link.seq === noted) at = link.hash
      last = link
      links++
      if (link.erased) erased++
    }
    if (batch.links.length < BATCH) break
  }
  if (last.seq < head.seq) reportMissing(last.seq + 1, head.seq)
  else if (!last.hash.equals(head.hash) || last.seq > head.seq) {
    const detail = `the head says ${formatHead(head)}, the last link is ${formatHead(last)}`
    findings.push({ kind: 'head_changed', seq: head.seq, detail })
  }
  return { findings, links, erased, head, at, last }
}

/** The mismatch of one link or its operation, if any. */
function checkLink(
  { seq, operationId, hash, digest, now, emptied }: Link,
  bases: Buffer[] | null,
): Finding | null {
  const where = { seq, operationId }
  const builtOn = (digest: Buffer) =>
    bases === null || bases.some((base) => linkHash(base, digest).equals(hash))
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
  if (emptied)
    return {
      kind: 'operation_emptied',
      ...where,
      detail: `operation ${operationId} (link ${seq}) lost fields by no erasure, or before their retention was over`,
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

/** Finds operations older than a minute without a link. Operations committed late are sealed first. */
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

function linkHash(base: Buffer, digest: Buffer): Buffer {
  return hash('sha256', Buffer.concat([base, digest]), 'buffer')
}

function formatHead({ seq, hash }: Head): string {
  return `${seq}:${hash.toString('hex')}`
}

function parseHead(text: string): Head {
  const [, seq, hex = ''] = /^(\d{1,15}):([0-9a-f]{64})$/i.exec(text.trim()) ?? []
  if (seq === undefined) throw new Error('a chain head has the form NUMBER:HASH, as "audit verify" prints it')
  return { seq: Number(seq), hash: Buffer.from(hex, 'hex') }
}
