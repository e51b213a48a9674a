/**
 * Random choices from a seed. Every client draws from its own stream, so its choices do not depend on how the others are
 * scheduled. A seed repeats the choices, not the scheduling of the processes.
 */
import { hash } from 'node:crypto'

export type Random = ReturnType<typeof createRandom>

/** @param name of the stream: the same seed and name give the same choices. */
export function createRandom(seed: number, name: string) {
  let state = Number.parseInt(hash('sha256', `${seed} ${name}`, 'hex').slice(0, 8), 16)

  /** Mulberry32: 32 bits of state are enough for choices, and it is cheap. */
  function next(): number {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  return {
    /** In [from, to). */
    between: (from: number, to: number) => from + next() * (to - from),
    /** A whole number below `n`. */
    below: (n: number) => Math.floor(next() * n),
    chance: (probability: number) => next() < probability,
    pick: <T>(items: readonly T[]): T | undefined => items[Math.floor(next() * items.length)],
    /** A key, with a probability in proportion to its weight. */
    weighted<Key extends string>(weights: Readonly<Record<Key, number>>): Key {
      const entries = Object.entries(weights) as [Key, number][]
      let left = next() * entries.reduce((sum, [, weight]) => sum + weight, 0)
      for (const [key, weight] of entries) {
        left -= weight
        if (left < 0) return key
      }
      return (entries.at(-1) as [Key, number])[0]
    },
  }
}
