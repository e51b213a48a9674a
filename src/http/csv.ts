/** Answers in CSV: who asks for it, and long ones a page at a time. */
import { Readable } from 'node:stream'
import { csvLine } from '../security/csv.ts'

export type CsvField = string | number | Date | null

export const CSV_TYPE = 'text/csv; charset=utf-8'

/** Whether the request asks for CSV by name; whoever takes anything gets JSON. */
export function wantsCsv({ accept }: { accept?: string | undefined }): boolean {
  return /\btext\/csv\b/i.test(accept ?? '')
}

/**
 * A head and pages of records, read as fast as the client takes them. Resolves with the first page at hand, so that an
 * error until then still becomes a problem; a later one breaks the connection, which no client takes for the end.
 */
export async function csvStream(head: string[], pages: AsyncGenerator<CsvField[][]>): Promise<Readable> {
  const first = await pages.next()
  async function* text() {
    yield csvLine(head)
    for (let page = first; !page.done; page = await pages.next())
      yield page.value.map((fields) => csvLine(fields)).join('')
  }
  return Readable.from(text())
}
