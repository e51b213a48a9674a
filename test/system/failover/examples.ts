/** The files of `examples/patroni`, with the addresses and folders of a run. */
import { readFile } from 'node:fs/promises'

type Edits = readonly (readonly [find: string, replace: string])[]

/** @throws Error when the example lacks a text that is to be replaced. */
export async function example(file: 'patroni.yml' | 'haproxy.cfg', edits: Edits): Promise<string> {
  const text = await readFile(new URL(`../../../examples/patroni/${file}`, import.meta.url), 'utf8')
  return edits.reduce((edited, [find, replace]) => {
    if (!edited.includes(find)) throw new Error(`examples/patroni/${file} has no "${find}"`)
    return edited.replaceAll(find, replace)
  }, text)
}
