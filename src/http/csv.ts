/**
 * CSV (RFC 4180) that spreadsheets can open and cannot be attacked with: a field that would begin a formula, with a
 * character that OWASP's "CSV Injection" names, gets an apostrophe in front. Every field is quoted.
 */
import { Readable } from 'node:stream'

export type CsvField = string | number | Date | null

export const CSV_TYPE = 'text/csv; charset=utf-8'

/** Besides the ASCII ones, their full-width forms, which East Asian versions of Excel take for the same. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/

/** Whether the request asks for CSV by name; whoever takes anything gets JSON. */
export function wantsCsv({ accept }: { accept?: string | undefined }): boolean {
  return /\btext\/csv\b/i.test(accept ?? '')
}

/** One record with its line end. */
export function csvLine(fields: readonly CsvField[]): string {
  return `${fields.map(csvField).join(',')}\r\n`
}

function csvField(field: CsvField): string {
  if (field === null) return '""'
  if (typeof field === 'number') return `"${field}"`
  const text = field instanceof Date ? field.toISOString() : field
  return `"${FORMULA.test(text) ? "'" : ''}${text.replaceAll('"', '""')}"`
}

/**
 * A head and pages of records, read as fast as the client takes them. Resolves with the first page at hand, so that an
 * error until then still becomes a problem; a later one breaks the connection, which no client takes for the end.
 */
export async function csvStream(head: string[], pages: AsyncGenerator<CsvField[][]>): Promise<Readable> {
  const first = await pages.next()
  async function* text() {
    yield csvLine(head)
    for (let page = first; !page.done; page = await pages.next()) yield page.value.map(csvLine).join('')
  }
  return Readable.from(text())
}
