/**
 * The selectors of an incident, each said once: the schemas, the SQL, the form, the options of the command line and the pages
 * derive from this table. A session is selected when it matches every selector that is given.
 */
import { type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { session, user } from './schema.ts'
import { emailDomain, formsOf, instant, ipRange, plainText, userIds } from './selector-values.ts'

/** How a value is typed in and shown. The form, the command line and the pages know each kind once. */
export type SelectorKind = 'ids' | 'address' | 'instant' | 'text' | 'flag'
export type SelectorValue = string | string[] | true

interface Selector<Value extends SelectorValue> {
  kind: SelectorKind
  /** Reads the value as the API takes it. */
  schema: z.ZodType<Value>
  /** Of its control in the console, and what helps to fill it in. */
  label: string
  hint: string
  /** How it reads on the page of an incident: a term, and the words before the value. */
  reads: [term: string, before: string]
  /** On the command line: flags and help. Errors name the last one. For `ids`, the last one takes a file. */
  options: [flags: string, help: string][]
  /** The condition on a session. */
  sql(value: Value): SQL
}

const selector = <Value extends SelectorValue>(definition: Selector<Value>) => definition

const table = {
  userIds: selector({
    kind: 'ids',
    schema: userIds,
    label: 'Users',
    hint: 'One user id a line, up to 200,000. Ids as the audit and the user pages show them, not email addresses.',
    reads: ['Users', ''],
    options: [
      ['--user <id...>', 'of these users'],
      ['--users <file>', 'of the users in a file, one id a line; - reads standard input'],
    ],
    sql: (ids) => sql`${session.userId} in (select pg_catalog.unnest(${sql.param(ids)}::text[]))`,
  }),
  emailDomain: selector({
    kind: 'text',
    schema: emailDomain,
    label: 'Email domain',
    hint: 'Of the user’s email address, in upper or lower case, such as example.com; not its subdomains',
    reads: ['Email domain', 'is'],
    options: [['--email-domain <domain>', 'of users with an email address in this domain: example.com']],
    sql: (domain) => {
      const end = sql`pg_catalog.lower(${`@${domain}`}::text)`
      return sql`${session.userId} in (select ${user.id} from ${user}
        where pg_catalog.right(pg_catalog.lower(${user.email}), pg_catalog.length(${end})) = ${end})`
    },
  }),
  ipRange: selector({
    kind: 'address',
    schema: ipRange,
    label: 'Address or range',
    hint: 'IPv4 or IPv6, such as 203.0.113.0/24, 2001:db8::/32 or 198.51.100.23',
    reads: ['Address', 'in'],
    options: [['--ip <range>', 'from an address or a range: 203.0.113.0/24, 2001:db8::/32']],
    sql: (range) => sql`${session.ipAddress} <<= any (${sql.param(formsOf(range))}::text[]::inet[])`,
  }),
  createdAfter: selector({
    kind: 'instant',
    schema: instant,
    label: 'Signed in at or after',
    hint: 'UTC',
    reads: ['Signed in', 'at or after'],
    options: [['--created-after <instant>', 'signed in at or after: 2026-11-24T03:00:00Z']],
    sql: (at) => sql`${session.createdAt} >= ${at}::timestamptz`,
  }),
  createdBefore: selector({
    kind: 'instant',
    schema: instant,
    label: 'Signed in before',
    hint: 'UTC',
    reads: ['Signed in', 'before'],
    options: [['--created-before <instant>', 'signed in before']],
    sql: (at) => sql`${session.createdAt} < ${at}::timestamptz`,
  }),
  userAgent: selector({
    kind: 'text',
    schema: plainText.min(1, 'must not be empty').max(512),
    label: 'User agent contains',
    hint: 'In upper or lower case, such as Firefox/144',
    reads: ['User agent', 'contains'],
    options: [['--user-agent <text>', 'whose user agent holds this text']],
    sql: (text) =>
      sql`pg_catalog.strpos(pg_catalog.lower(${session.userAgent}), pg_catalog.lower(${text}::text)) > 0`,
  }),
  everyone: selector({
    kind: 'flag',
    schema: z.literal(true, 'must be true, or left out'),
    label: 'Everyone',
    hint: 'Every session there is. Needed only if no other part is filled in.',
    reads: ['Everyone', 'every living session'],
    options: [['--everyone', 'everyone']],
    sql: () => sql`true`,
  }),
}

export type SelectorName = keyof typeof table

/** Which sessions an incident means: those that match every part that is given. Instants in ISO 8601. */
export type Selection = { [Name in SelectorName]?: z.output<(typeof table)[Name]['schema']> }

export type NamedSelector = Selector<SelectorValue> & { name: SelectorName }

/** In the order in which people are shown them. */
export const SELECTORS = Object.entries(table).map(
  ([name, definition]) => ({ name, ...definition }) as NamedSelector,
)

/** The parts that are given, with their selectors. */
export function partsOf(selection: Selection): [NamedSelector, SelectorValue][] {
  return SELECTORS.flatMap((one): [NamedSelector, SelectorValue][] => {
    const value = selection[one.name]
    return value === undefined ? [] : [[one, value]]
  })
}

/**
 * The conditions on a session, one for each part that is given.
 * @throws Error for a selection without any, and for a part that this version does not know: without it, more would match.
 */
export function conditionsOf(selection: Selection): SQL[] {
  const unknown = Object.keys(selection).find((name) => !Object.hasOwn(table, name))
  if (unknown !== undefined) throw new Error(`a selection has the unknown part ${unknown}`)
  const conditions = partsOf(selection).map(([{ sql }, value]) => sql(value))
  if (conditions.length === 0) throw new Error('a selection has one part at least')
  return conditions
}
