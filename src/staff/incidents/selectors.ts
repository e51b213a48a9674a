/**
 * The labels and options of an incident's selectors. Form, command line and pages derive from this table; `selector-values.ts`
 * holds schemas and SQL. Imports no code, to keep help texts fast.
 */

/** How a value is entered and shown: form, command line and pages implement each kind once. */
export type SelectorKind = 'ids' | 'address' | 'instant' | 'text' | 'flag'
export type SelectorValue = string | string[] | true

interface Selector {
  kind: SelectorKind
  /** The label and hint of its control in the console. */
  label: string
  hint: string
  /** On the page of an incident: a term, and the words before the value. */
  reads: [term: string, before: string]
  /** On the command line: flags and help. Errors name the last one. For `ids`, the last one takes a file. */
  options: [flags: string, help: string][]
}

const table = {
  userIds: {
    kind: 'ids',
    label: 'Users',
    hint: 'One user id per line, up to 200,000.',
    reads: ['Users', ''],
    options: [
      ['--user <id...>', 'of these users'],
      ['--users <file>', 'of the users in a file, one id per line; - reads standard input'],
    ],
  },
  emails: {
    kind: 'ids',
    label: 'Email addresses',
    hint: 'One address per line, up to 200,000. Case does not matter.',
    reads: ['Email addresses', ''],
    options: [['--emails <file>', 'of the users with the email addresses in a file, one per line']],
  },
  sessionIds: {
    kind: 'ids',
    label: 'Sessions',
    hint: 'One session id per line, up to 200,000.',
    reads: ['Sessions', ''],
    options: [['--session-ids <file>', 'the sessions whose ids are in a file, one per line']],
  },
  emailDomain: {
    kind: 'text',
    label: 'Email domain',
    hint: 'Of the user’s email address, in upper or lower case, such as example.com; not its subdomains',
    reads: ['Email domain', 'is'],
    options: [['--email-domain <domain>', 'of users with an email address in this domain: example.com']],
  },
  ipRange: {
    kind: 'address',
    label: 'Address or range',
    hint: 'IPv4 or IPv6, such as 203.0.113.0/24, 2001:db8::/32 or 198.51.100.23',
    reads: ['Address', 'in'],
    options: [['--ip <range>', 'from an address or a range: 203.0.113.0/24, 2001:db8::/32']],
  },
  createdAfter: {
    kind: 'instant',
    label: 'Signed in at or after',
    hint: 'UTC',
    reads: ['Signed in', 'at or after'],
    options: [['--created-after <instant>', 'signed in at or after: 2026-11-24T03:00:00Z']],
  },
  createdBefore: {
    kind: 'instant',
    label: 'Signed in before',
    hint: 'UTC',
    reads: ['Signed in', 'before'],
    options: [['--created-before <instant>', 'signed in before']],
  },
  userAgent: {
    kind: 'text',
    label: 'User agent contains',
    hint: 'In upper or lower case, such as Firefox/144',
    reads: ['User agent', 'contains'],
    options: [['--user-agent <text>', 'whose user agent contains this text']],
  },
  everyone: {
    kind: 'flag',
    label: 'Everyone',
    hint: 'All active sessions. Needed only if you fill in no other field.',
    reads: ['Everyone', 'every active session'],
    options: [['--everyone', 'everyone']],
  },
} as const satisfies Record<string, Selector>

export type SelectorName = keyof typeof table

export type NamedSelector = Selector & { name: SelectorName }

/** In display order. */
export const SELECTORS = Object.entries(table).map(
  ([name, definition]) => ({ name, ...definition }) as unknown as NamedSelector,
)

/** The given parts with their selectors. */
export function partsOf(
  selection: Partial<Record<SelectorName, SelectorValue>>,
): [NamedSelector, SelectorValue][] {
  return SELECTORS.flatMap((one): [NamedSelector, SelectorValue][] => {
    const value = selection[one.name]
    return value === undefined ? [] : [[one, value]]
  })
}
