/** Guesses which known name a misspelt one stands for. Names have words separated by `_`, in upper case. */

/** A prefix that is often given to the settings of a service. */
const PREFIX = /^GLOBAL_?LOGOUT_/

/**
 * @returns the known name that differs in case, hyphens, prefix or a few letters, or that has all its words; null for any other name.
 * A longer name with a known one as its beginning is not misspelt: `AUTH_SECRET_1` is a setting of Auth.js.
 */
export function meantBy(name: string, known: readonly string[]): string | null {
  const plain = name.toUpperCase().replaceAll('-', '_').replace(PREFIX, '')
  if (known.includes(plain)) return plain
  if (known.some((one) => plain.startsWith(`${one}_`))) return null
  const most = plain.length >= 8 ? 2 : plain.length >= 6 ? 1 : 0
  const [closest] = known
    .map((one) => ({ one, distance: distance(plain, one) }))
    .sort((a, b) => a.distance - b.distance)
  if (closest && closest.distance <= most) return closest.one
  const words = plain.split('_')
  const holds = (one: string) => words.every((word) => one.split('_').includes(word))
  return words.length > 1 ? (known.find(holds) ?? null) : null
}

/** Letters to insert, remove or replace, after Levenshtein. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, n) => n)
  for (const [i, letter] of [...from].entries()) {
    const next = [i + 1]
    for (const [j, other] of [...to].entries()) {
      const [replaced = 0, removed = 0] = row.slice(j, j + 2)
      next.push(Math.min(replaced + (letter === other ? 0 : 1), removed + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
