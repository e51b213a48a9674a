/** Tells rows apart that look equal: two equal rows never stand side by side. */

/**
 * How many more facts each row has to show, so that no other row looks the same.
 * @param facts what a row shows anyway, then what it shows in addition if that is not enough, the last of them unique.
 * @returns for each row the number of additional facts: 0 for a row that differs from all others.
 */
export function tellApart<Row>(rows: readonly Row[], facts: readonly ((row: Row) => string)[]): number[] {
  const needed = rows.map(() => facts.length - 1)
  let open = rows.map((_, i) => i)
  for (let more = 0; more < facts.length - 1 && open.length > 0; more++) {
    const looks = rows.map((row) => JSON.stringify(facts.slice(0, more + 1).map((fact) => fact(row))))
    const seen = new Map<string, number>()
    for (const look of looks) seen.set(look, (seen.get(look) ?? 0) + 1)
    for (const i of open) if (seen.get(looks[i] ?? '') === 1) needed[i] = more
    open = open.filter((i) => seen.get(looks[i] ?? '') !== 1)
  }
  return needed
}

/** The first characters of each id, as many as tell all of them apart: eight at least. */
export function shortIds(ids: readonly string[]): string[] {
  let length = 8
  while (length < 36 && new Set(ids.map((id) => id.slice(0, length))).size < new Set(ids).size) length++
  return ids.map((id) => id.slice(0, length))
}
