/** CSV (RFC 4180) that a spreadsheet shows and does not run: names, user agents and reasons are other people's words. */
import { type Options, stringify } from 'csv-stringify/sync'

/**
 * Where a spreadsheet would take what follows for a formula (OWASP, CSV Injection), full-width forms included: at the
 * beginning, and behind whatever may begin a cell where commas do not (in most of Europe, semicolons do). The library's own
 * `escape_formulas` looks at the first character alone.
 */
const FORMULA = /(?=[=+\-@\uff1d\uff0b\uff0d\uff20])(?<=(?:^|[;,|\t\r\n])[\s"']*)/g

/** What a terminal obeys, or what turns the text around it; tabs and line ends are at home in a quoted field. */
const UNSEEN = /(?![\t\r\n])[\p{Cc}\p{Bidi_Control}]/gu

/** Every field quoted. Null is empty, an instant is ISO 8601, what has parts is JSON. */
const OPTIONS: Options = {
  quoted: true,
  quoted_empty: true,
  record_delimiter: 'windows',
  cast: {
    string: guarded,
    number: (value) => guarded(String(value)),
    bigint: (value) => guarded(String(value)),
    boolean: String,
    date: (value) => guarded(value.toISOString()),
    object: (value) => guarded(JSON.stringify(value)),
  },
}

/** Under which name a column shows which property. */
export interface Column<Row> {
  header: string
  key: string & keyof Row
}

/** A line for each row, after one with the names of the columns. That one waits for the first row: an error comes before it. */
export async function* csvLines<Row extends object>(
  columns: Column<Row>[],
  rows: AsyncIterable<Row>,
): AsyncGenerator<string> {
  const names = stringify([], { ...OPTIONS, columns, header: true })
  let named = false
  for await (const row of rows) {
    if (!named) yield names
    named = true
    yield stringify([row], { ...OPTIONS, columns })
  }
  if (!named) yield names
}

/** One line. */
export function csvLine(fields: readonly unknown[]): string {
  return stringify([fields], OPTIONS)
}

function guarded(text: string): string {
  return text.replace(UNSEEN, escaped).replace(FORMULA, "'")
}

/** As in JSON: `\u202e`. */
function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
