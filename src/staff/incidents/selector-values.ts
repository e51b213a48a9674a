/**
 * The schema and the SQL condition of each selector. PostgreSQL accepts every value that passes these schemas: no NUL or lone
 * surrogate in texts, no invalid instant or address.
 */
import { isIP } from 'node:net'
import { type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { isRange } from '../../lib/address-blocks.ts'
import { zonedInstant } from '../../lib/schemas.ts'
import { session, user } from '../../sessions/schema.ts'
import { emailKey, emailList, isPlain, sessionIdList, userIdList } from '../id-lists.ts'
import { partsOf, type SelectorName, type SelectorValue } from './selectors.ts'

/** Entries of a list. */
const MAX_LISTED = 200_000

/** A text that PostgreSQL and its JSON can hold. */
const plainText = z.string().refine(isPlain, 'must be text without NUL characters')

const instant = zonedInstant
  .transform((text) => new Date(text).toISOString())
  .refine((text) => /^(19|2)\d/.test(text), 'must lie between 1900 and 2999')

const ipRange = z
  .string()
  // A zone (fe80::1%eth0) means something on one machine only.
  .refine(
    (text) => isRange(text) && !text.includes('%'),
    'must be an IPv4 or IPv6 address or a CIDR range such as 203.0.113.0/24',
  )

/** An internationalized domain is compared as applications store it: in Unicode or as `xn--…`. */
const emailDomain = z
  .string()
  .refine(isDomain, 'must be a domain such as example.com, without "@"')
  .describe('users with an email address that ends in @ and this domain, in upper or lower case')

function isDomain(text: string): boolean {
  return text.length <= 253 && text.split('.').every((label) => DOMAIN_LABEL.test(label))
}

const DOMAIN_LABEL = /^(?!-)[\p{L}\p{M}\p{N}-]{1,63}(?<!-)$/u

/** The range in each form in which its addresses may be recorded: plain IPv4, and IPv4 mapped into IPv6. */
function notationsOf(range: string): string[] {
  const [address = '', prefix] = range.split('/')
  if (isIP(address) === 4) return [range, `::ffff:${address}/${96 + Number(prefix ?? 32)}`]
  const { hostname } = new URL(`http://[${address}]`)
  const mapped = /^\[::ffff:([0-9a-f]+):([0-9a-f]+)\]$/.exec(hostname)
  const bits = Number(prefix ?? 128) - 96
  if (!mapped || bits < 0) return [range]
  const [high = 0, low = 0] = mapped.slice(1).map((group) => Number.parseInt(group, 16))
  return [range, `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}/${bits}`]
}

/** `schema` reads the value as the API takes it. `sql` is the condition on a session, or `users` a query for the ids of its users. */
type SelectorDefinition<Value extends SelectorValue> = { schema: z.ZodType<Value> } & (
  | { sql(value: Value): SQL }
  | { users(value: Value): SQL }
)

const selector = <Value extends SelectorValue>(definition: SelectorDefinition<Value>) => definition

const table = {
  userIds: selector({
    schema: userIdList(MAX_LISTED),
    users: (ids) => sql`select pg_catalog.unnest(${sql.param(ids)}::text[])`,
  }),
  emails: selector({
    schema: emailList(MAX_LISTED),
    users: (list) =>
      sql`select ${user.id} from ${user} where ${emailKey} in (
        select pg_catalog.lower(asked) from pg_catalog.unnest(${sql.param(list)}::text[]) as asked)`,
  }),
  sessionIds: selector({
    schema: sessionIdList(MAX_LISTED),
    sql: (ids) => sql`${session.id} in (select pg_catalog.unnest(${sql.param(ids)}::uuid[]))`,
  }),
  emailDomain: selector({
    schema: emailDomain,
    users: (domain) => {
      const end = sql`pg_catalog.lower(${`@${domain}`}::text)`
      return sql`select ${user.id} from ${user}
        where pg_catalog.right(pg_catalog.lower(${user.email}), pg_catalog.length(${end})) = ${end}`
    },
  }),
  ipRange: selector({
    schema: ipRange,
    // One condition each, which PostgreSQL turns into a range of the index.
    sql: (range) => {
      const within = notationsOf(range).map((one) => sql`${session.ipAddress} <<= ${one}::text::inet`)
      return sql`(${sql.join(within, sql` or `)})`
    },
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
      // By the collation "C": others take ten times as long, and every session is read.
      sql`pg_catalog.strpos(pg_catalog.lower(${session.userAgent} collate pg_catalog."C"),
        pg_catalog.lower(${text}::text collate pg_catalog."C")) > 0`,
  }),
  everyone: selector({
    schema: z.literal(true, 'must be true, or left out'),
    sql: () => sql`true`,
  }),
} as const satisfies Record<SelectorName, unknown>

/** Selects the sessions that match every given part. Instants are ISO 8601. */
export type Selection = { [Name in SelectorName]?: z.output<(typeof table)[Name]['schema']> }

/** Reads the value of a selector as the API takes it. */
export const schemaOf = (name: SelectorName): z.ZodType<SelectorValue> => definitionOf(name).schema

const definitionOf = (name: SelectorName) => table[name] as unknown as SelectorDefinition<SelectorValue>

/** Whether every session matches, and not only those that match another part. */
export const isForEveryone = (selection: Selection): boolean => Object.keys(selection).join() === 'everyone'

/**
 * The conditions on a session, one per part.
 * @throws Error for an empty selection, and for a part unknown to this version: ignoring it would match more sessions.
 */
export function conditionsOf(selection: Selection): SQL[] {
  const unknown = Object.keys(selection).find((name) => !Object.hasOwn(table, name))
  if (unknown !== undefined) throw new Error(`a selection has the unknown part ${unknown}`)
  const conditions = partsOf(selection).map(([{ name }, value]) => {
    const definition = definitionOf(name)
    return 'users' in definition
      ? sql`${session.userId} in (${definition.users(value)})`
      : definition.sql(value)
  })
  if (conditions.length === 0) throw new Error('a selection needs at least one part')
  return conditions
}

/** A query for the ids of the users whom a selection names, with or without sessions. Null where it selects by anything else. */
export function usersOf(selection: Selection): SQL | null {
  const named: SQL[] = []
  for (const [{ name }, value] of partsOf(selection)) {
    const definition = definitionOf(name)
    if (!('users' in definition)) return null
    named.push(sql`${user.id} in (${definition.users(value)})`)
  }
  return named.length > 0
    ? sql`select ${user.id} as id from ${user} where ${sql.join(named, sql` and `)}`
    : null
}
