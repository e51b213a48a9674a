/** One row as `csvLines` writes it. */
import { csvLines } from '../../src/lib/csv.ts'

/** The CSV line of the fields, without the header before it. */
export async function csvLine(fields: readonly unknown[]): Promise<string> {
  const columns = fields.map((_, i) => ({ header: `column ${i}`, key: `${i}` }))
  async function* rows() {
    yield Object.fromEntries(fields.entries()) as Record<string, unknown>
  }
  let last = ''
  for await (const line of csvLines(columns, rows())) last = line
  return last
}
