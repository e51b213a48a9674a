/** The form of an incident: reads it into a selection, and fills it in from one. */
import { UNITS } from '../../lib/duration.ts'
import { formErrors, parseUtcInstant } from '../forms.ts'
import { lockFor, reason } from '../reason.ts'
import type { FormErrors } from '../views/parts.ts'
import type { IncidentLock } from './locking.ts'
import type { ShownSelection } from './schema.ts'
import { selection } from './selection.ts'
import type { Selection } from './selector-values.ts'
import { partsOf, SELECTORS, type SelectorKind, type SelectorName } from './selectors.ts'
import type { IncidentInput } from './views/incident-form.ts'

/** Reads the form into a selection and a reason, or into errors by field. */
export function readForm(given: IncidentInput): {
  select?: Selection
  why?: string
  lock?: IncidentLock
  errors: FormErrors
} {
  const errors: Record<string, string> = {}
  const parts: Record<string, unknown> = {}
  for (const { name, kind } of SELECTORS) {
    const text = given[name]?.trim()
    if (!text) continue
    const value = parseInput(kind, text)
    if (value === null) errors[name] = 'must be a date and a time, such as 2026-11-24T13:00'
    else parts[name] = value
  }
  const until = given.lockFor ? lockFor.safeParse(given.lockFor) : null
  if (until && !until.success) errors.lockFor = until.error.issues[0]?.message ?? 'must be a duration'
  const isEmpty = Object.keys({ ...parts, ...errors }).every((name) => name === 'lockFor')
  const why = reason.safeParse(given.reason)
  if (!why.success) errors.reason = why.error.issues[0]?.message ?? 'must say why'
  const read = isEmpty ? null : selection.safeParse(parts)
  if (!read) errors.select = 'Fill in at least one field, or tick "Everyone".'
  else if (!read.success) Object.assign(errors, formErrors(read.error, 'select'))
  else if (until && read.data.everyone)
    errors.lockFor = 'cannot be set for everyone, which would lock all staff, too'
  const wrong = Object.keys(errors).some((name) => name !== 'reason' && name !== 'lockFor')
  return {
    ...(read?.success && !wrong && { select: read.data }),
    ...(why.success && { why: why.data }),
    ...(until?.success && { lock: { seconds: until.data } }),
    errors,
  }
}

/** Reads the input of one control; null for an invalid instant. */
function parseInput(kind: SelectorKind, text: string): unknown {
  if (kind === 'instant') return parseUtcInstant(text)?.toISOString() ?? null
  if (kind === 'flag') return true
  if (kind !== 'ids') return text
  const lines = text.split(/\r?\n/).map((line) => line.trim())
  return lines.filter(Boolean)
}

/** The lists of a selection that are not shown whole. */
export function omittedLists({ userCount, sessionCount, emailCount }: ShownSelection): SelectorName[] {
  const counts = { userIds: userCount, sessionIds: sessionCount, emails: emailCount }
  return Object.entries(counts).flatMap(([name, n]) => (n === undefined ? [] : [name as keyof typeof counts]))
}

/** A lock as the form's choices have it. */
export function lockText({ seconds }: IncidentLock): string {
  if (seconds === null) return 'forever'
  for (const [unit, length] of Object.entries(UNITS).toReversed())
    if (seconds % length === 0) return `${seconds / length}${unit}`
  return `${seconds}s`
}

/** A selection as form input. An incomplete list is left out. */
export function toFormInput(selection: ShownSelection): IncidentInput {
  const omitted = omittedLists(selection)
  const entered = partsOf(selection).map(([{ name, kind }, value]) => {
    if (value === true) return [name, 'yes']
    if (typeof value !== 'string') return [name, omitted.includes(name) ? undefined : value.join('\n')]
    return [name, kind === 'instant' ? value.replace(/(\.000)?Z$/, '') : value]
  })
  return Object.fromEntries(entered)
}
