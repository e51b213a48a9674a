/** Applies a mutation to the text of its file. @throws Error if its text is not found exactly once. */
import type { Mutation } from './table.ts'

export type Edit = Pick<Mutation, 'file' | 'find' | 'replace'>

export function applyMutation({ file, find, replace }: Edit, source: string): string {
  const parts = source.split(find)
  if (parts.length !== 2)
    throw new Error(`the text of a mutation is ${parts.length - 1} times in ${file}:\n${find}`)
  return parts.join(replace)
}
