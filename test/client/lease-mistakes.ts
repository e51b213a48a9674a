/** Mistakes of a caller and of an instance, each made by an edit of one source file while it is loaded. */
import { registerHooks } from 'node:module'
import { applyMutation, type Edit } from '../system/prove/mutations/apply.ts'
import { MUTATIONS } from '../system/prove/mutations/table.ts'
import { type failures, vectors } from './lease-vectors.ts'

const CALLER = 'src/leases/caller.ts'
const SNAPSHOTS = 'src/database/snapshots.ts'
const CLIENT = 'packages/client/src'

/** Those that no vector names, each with one that it differs from. */
const OTHERS: Readonly<Record<string, Edit & { vector: string }>> = {
  'the memory of another server stays': {
    vector: 'Another server empties the memory.',
    file: CALLER,
    find: 'const revoked = sameServer ? lease.revoked : null',
    replace: 'const revoked = lease.revoked',
  },
  'an answer for another caller is applied': {
    vector: 'An answer for another caller is no lease.',
    file: `${CLIENT}/lease-calls.ts`,
    find: 'caller !== asked || ',
    replace: '',
  },
  'an instance that is behind takes the cursor back': {
    vector: 'The cursor of an instance that is behind takes nothing back.',
    file: CALLER,
    find: 'if (!cursor || !sameServer || isOlder(cursor, lease.cursor)) cursor',
    replace: 'cursor',
  },
  'the instance is not named': {
    vector: 'A caller asks the instance whose lease it holds, and any other one after its end.',
    file: CALLER,
    find: 'sentAt < leaseUntil ? instance : null',
    replace: 'null',
  },
  'the instance is named after the end of its lease': {
    vector: 'A caller asks the instance whose lease it holds, and any other one after its end.',
    file: CALLER,
    find: 'sentAt < leaseUntil ? instance : null',
    replace: 'instance',
  },
  'an answer is waited for until the lease ends': {
    vector: 'A caller lets the instance wait only with more than half of its lease left.',
    file: CALLER,
    find: 'sentAt + LEASE_MS / 2 < leaseUntil',
    replace: 'sentAt < leaseUntil',
  },
  'open transactions are ignored': {
    vector: '10:14:10,11 and 11:14:11',
    file: SNAPSHOTS,
    find: ' || (a.xmax === b.xmax && a.open.length > b.open.length)',
    replace: '',
  },
  'numbers are floats': {
    vector: 'Numbers of transactions exceed 2^53.',
    file: SNAPSHOTS,
    find: 'xmax: BigInt(xmax)',
    replace: 'xmax: BigInt(Number(xmax))',
  },
  'the clock stops while the machine is suspended': {
    vector: 'The machine is suspended: the wall clock runs ahead.',
    file: 'src/leases/lease.ts',
    find: 'return awake + suspended',
    replace: 'return awake',
  },
  'an answer about another token is kept': {
    vector: 'An answer about another token is not kept.',
    file: `${CLIENT}/leases.ts`,
    find: 'lease?.token !== key ||',
    replace: '!lease ||',
  },
  'a lifetime counts from the answer': {
    vector: 'A session ends by itself, counted from before its check.',
    file: `${CLIENT}/leases.ts`,
    find: 'new KeptSession(identity, lease, askedAt)',
    replace: 'new KeptSession(identity, lease, clock())',
  },
  'a session does not end by itself': {
    vector: 'A session ends by itself, counted from before its check.',
    file: `${CLIENT}/lease-memory.ts`,
    find: 'found && now < found.validUntil * 1000',
    replace: 'found',
  },
  'a use is told with each check': {
    vector: 'A use that is due is told with the next request, once in an interval.',
    file: `${CLIENT}/lease-memory.ts`,
    find: 'if (activity) this.touchAt = this.passiveAt',
    replace: '',
  },
  'the last uses are lost': {
    vector: 'A caller that leaves tells its last uses.',
    file: `${CLIENT}/leases.ts`,
    find: 'uses.tell((due) => leave(request, due))',
    replace: 'leave(request, [])',
  },
  'the first of two cookies counts': {
    vector: '{"cookie":"authjs.session-token=laptop; authjs.session-token=phone"}',
    file: `${CLIENT}/only-token.ts`,
    find: 'if (found !== undefined) return null',
    replace: 'if (found !== undefined) continue',
  },
}

/** Mistakes, each with the vectors that it has to differ from. Those that the vectors name are mutations for `npm run prove`, too. */
export const MISTAKES: Readonly<Record<string, readonly string[]>> = Object.fromEntries([
  ...Object.keys(vectors.mistakes)
    .filter((name) => name in MUTATIONS)
    .map((name) => [name, namesOf(name)]),
  ...Object.entries(OTHERS).map(([name, { vector }]) => [name, [vector]]),
])

function namesOf(mistake: string): string[] {
  const sequences = [...vectors.callers, ...vectors.instances]
  return sequences.filter(({ catches }) => catches?.includes(mistake)).map(({ name }) => name)
}

const ROOT = new URL('../../', import.meta.url).href
const mistakeOf = (url: string | undefined) => new URL(url ?? ROOT).searchParams.get('mistake')

// A module that is loaded with a mistake loads its own modules with it.
registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context)
    const mistake = mistakeOf(context.parentURL)
    if (mistake === null || !resolved.url.startsWith(ROOT)) return resolved
    return { ...resolved, url: withMistake(resolved.url, mistake) }
  },
  load(url, context, next) {
    const loaded = next(url, context)
    const name = mistakeOf(url) ?? ''
    const edit = MUTATIONS[name] ?? OTHERS[name]
    if (!edit || new URL(url).pathname !== new URL(edit.file, ROOT).pathname) return loaded
    return { ...loaded, source: applyMutation(edit, String(loaded.source)) }
  },
})

function withMistake(url: string, mistake: string): string {
  const changed = new URL(url)
  changed.searchParams.set('mistake', mistake)
  return changed.href
}

/** As `failures`, with modules that make the mistake. */
export async function failuresWith(mistake: string, names: readonly string[]): ReturnType<typeof failures> {
  const module = await import(withMistake(`${ROOT}test/client/lease-vectors.ts`, mistake))
  return module.failures(names)
}
