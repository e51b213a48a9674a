/** Puts a mistake into the text of its file. @throws Error when its place is not there, or is there twice. */
import type { Mistake } from './table.ts'

export function withMistake({ file, find, replace }: Mistake, source: string): string {
  const parts = source.split(find)
  if (parts.length !== 2)
    throw new Error(`the place of a mistake is ${parts.length - 1} times in ${file}:\n${find}`)
  return parts.join(replace)
}
