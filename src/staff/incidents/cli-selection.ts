/** The selection of an incident from the options of the command line. */
import { Option } from 'commander'
import { UsageError } from '../../cli/common.ts'
import { readList } from '../../cli/read-list.ts'
import type { Selection } from './selector-values.ts'
import { type NamedSelector, SELECTORS } from './selectors.ts'

export type SelectionOptions = Record<string, string | string[] | true | undefined>

const optionsOf = ({ options }: NamedSelector) => options.map(([flags, help]) => new Option(flags, help))

/** The options of all selectors. */
export const selectionOptions = () => SELECTORS.flatMap(optionsOf)

/** Reads the options into a selection. @throws UsageError that names the invalid option. */
export async function selectionOf(given: SelectionOptions): Promise<Selection> {
  const parts: Record<string, unknown> = {}
  for (const selector of SELECTORS) {
    for (const option of optionsOf(selector)) {
      const value = given[option.attributeName()]
      if (value === undefined) continue
      const isFile = selector.kind === 'ids' && typeof value === 'string'
      const read = isFile ? await readList(value, `${option.long}`) : value
      const before = parts[selector.name]
      parts[selector.name] = Array.isArray(before) ? before.concat(read) : read
    }
  }
  const { selection } = await import('./selection.ts')
  const parsed = selection.safeParse(parts)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const wrong = SELECTORS.find(({ name }) => name === issue?.path[0])
  if (wrong) throw new UsageError(`${optionsOf(wrong).at(-1)?.long}: ${issue?.message}.`)
  const names = selectionOptions().map(({ long }) => `${long}`)
  const list = new Intl.ListFormat('en-GB', { type: 'disjunction' }).format(names)
  throw new UsageError(`say whose sessions: ${list}.`)
}
