/**
 * What the selectors of an incident take, and which sessions they select. What passes these schemas can be asked of
 * PostgreSQL: no NUL and no half characters in texts, no instant and no address that it does not know.
 */
import { isIP } from 'node:net'
import { type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { zonedInstant } from '../../lib/schemas.ts'
import { session, user } from '../../sessions/schema.ts'
import { partsOf, type SelectorName, type SelectorValue } from './selectors.ts'

const MAX_USER_IDS = 200_000
/** In characters. */
const MAX_USER_ID = 1_024

const isPlain = (text: string) => text.isWellFormed() && !text.includes('\0')

/** A text that PostgreSQL and its JSON can hold. */
const plainText = z.string().refine(isPlain, 'must be text without NUL characters')

/** In one go, up to the first fault: a schema for each would keep a process from its checks for over a second. */
const userIds = z
  .unknown()
  .superRefine((ids, { addIssue }) => {
    const fault = faultOf(ids)
    if (fault) addIssue({ code: 'custom', ...fault })
  })
  .meta({
    type: 'array',
    minItems: 1,
    maxItems: MAX_USER_IDS,
    items: { type: 'string', minLength: 1, maxLength: MAX_USER_ID },
  })
  .transform((ids) => [...new Set(ids as string[])])

function faultOf(ids: unknown): { message: string; path?: number[] } | null {
  if (!Array.isArray(ids)) return { message: 'must be a list of user ids' }
  if (ids.length === 0) return { message: 'must name a user' }
  if (ids.length > MAX_USER_IDS) return { message: `must not name more than ${MAX_USER_IDS} users` }
  const isId = (id: unknown) => typeof id === 'string' && id !== '' && id.length <= MAX_USER_ID && isPlain(id)
  const index = ids.findIndex((id) => !isId(id))
  if (index < 0) return null
  return { message: `must be a text of 1 to ${MAX_USER_ID} characters, none of them NUL`, path: [index] }
}

const instant = zonedInstant
  .transform((text) => new Date(text).toISOString())
  .refine((text) => /^(19|2)\d/.test(text), 'must lie between 1900 and 2999')

const ipRange = z
  .string()
  .refine(isRange, 'must be an IPv4 or IPv6 address or a CIDR range such as 203.0.113.0/24')

/** An internationalized domain is compared as applications store it: in Unicode or as `xn--…`. */
const emailDomain = z
  .string()
  .refine(isDomain, 'must be a domain such as example.com, without "@"')
  .describe('users with an email address that ends in @ and this domain, in upper or lower case')

function isDomain(text: string): boolean {
  return text.length <= 253 && text.split('.').every((label) => DOMAIN_LABEL.test(label))
}

const DOMAIN_LABEL = /^(?!-)[\p{L}\p{M}\p{N}-]{1,63}(?<!-)$/u

function isRange(text: string): boolean {
  const [address = '', prefix, rest] = text.split('/')
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1
  // A zone (fe80::1%eth0) means something on one machine only.
  if (bits < 0 || text.includes('%') || rest !== undefined) return false
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits)
}

/** The range in each of the forms in which an address of it may be recorded: IPv4 plain, and mapped into IPv6. */
function formsOf(range: string): string[] {
  const [address = '', prefix] = range.split('/')
  if (isIP(address) === 4) return [range, `::ffff:${address}/${96 + Number(prefix ?? 32)}`]
  const { hostname } = new URL(`http://[${address}]`)
  const mapped = /^\[::ffff:([0-9a-f]+):([0-9a-f]+)\]$/.exec(hostname)
  const bits = Number(prefix ?? 128) - 96
  if (!mapped || bits < 0) return [range]
  const [high = 0, low = 0] = mapped.slice(1).map((group) => Number.parseInt(group, 16))
  return [range, `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}/${bits}`]
}

interface Taken<Value extends SelectorValue> {
  /** Reads the value as the API takes it. */
  schema: z.ZodType<Value>
  /** The condition on a session. */
  sql(value: Value): SQL
}

const selector = <Value extends SelectorValue>(definition: Taken<Value>) => definition

const table = {
  userIds: selector({
    schema: userIds,
    sql: (ids) => sql`${session.userId} in (select pg_catalog.unnest(${sql.param(ids)}::text[]))`,
  }),
  emailDomain: selector({
    schema: emailDomain,
    sql: (domain) => {
      const end = sql`pg_catalog.lower(${`@${domain}`}::text)`
      return sql`${session.userId} in (select ${user.id} from ${user}
        where pg_catalog.right(pg_catalog.lower(${user.email}), pg_catalog.length(${end})) = ${end})`
    },
  }),
  ipRange: selector({
    schema: ipRange,
    sql: (range) => sql`${session.ipAddress} <<= any (${sql.param(formsOf(range))}::text[]::inet[])`,
  }),
  createdAfter: selector({
    schema: instant,
    sql: (at) => sql`${session.createdAt} >= ${at}::timestamptz`,
  }),
  createdBefore: selector({
    schema: instant,
    sql: (at) => sql`${session.createdAt} < ${at}::timestamptz`,
  }),
  userAgent: selector({
    schema: plainText.min(1, 'must not be empty').max(512),
    sql: (text) =>
      sql`pg_catalog.strpos(pg_catalog.lower(${session.userAgent}), pg_catalog.lower(${text}::text)) > 0`,
  }),
  everyone: selector({
    schema: z.literal(true, 'must be true, or left out'),
    sql: () => sql`true`,
  }),
} as const satisfies Record<SelectorName, unknown>

/** Which sessions an incident means: those that match every part that is given. Instants in ISO 8601. */
export type Selection = { [Name in SelectorName]?: z.output<(typeof table)[Name]['schema']> }

/** Reads the value of a selector as the API takes it. */
export const schemaOf = (name: SelectorName): z.ZodType<SelectorValue> => taken(name).schema

const taken = (name: SelectorName) => table[name] as unknown as Taken<SelectorValue>

/**
 * The conditions on a session, one for each part that is given.
 * @throws Error for a selection without any, and for a part that this version does not know: without it, more would match.
 */
export function conditionsOf(selection: Selection): SQL[] {
  const unknown = Object.keys(selection).find((name) => !Object.hasOwn(table, name))
  if (unknown !== undefined) throw new Error(`a selection has the unknown part ${unknown}`)
  const conditions = partsOf(selection).map(([{ name }, value]) => taken(name).sql(value))
  if (conditions.length === 0) throw new Error('a selection needs at least one part')
  return conditions
}
