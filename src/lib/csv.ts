/** CSV (RFC 4180) that a spreadsheet displays and never runs: names, user agents and reasons are untrusted text. */
import { type Options, stringify } from 'csv-stringify/sync'

/**
 * Each position where a spreadsheet would start a formula (OWASP, CSV Injection), full-width characters included: at the
 * beginning, and after a separator of another locale (in most of Europe, the semicolon). The library's own `escape_formulas`
 * checks the first character only.
 */
const FORMULA_START = /(?=[=+\-@\uff1d\uff0b\uff0d\uff20])(?<=(?:^|[;,|\t\r\n])[\s"']*)/g

/** Control characters, which a terminal obeys, and bidirectional ones. Tabs and line ends are safe in a quoted field. */
const CONTROL_CHARACTER = /(?![\t\r\n])[\p{Cc}\p{Bidi_Control}]/gu

/** Quotes every field. Null is empty, a date is ISO 8601, an object or array is JSON. */
const OPTIONS: Options = {
  quoted: true,
  quoted_empty: true,
  record_delimiter: 'windows',
  cast: {
    string: escapeText,
    number: (value) => escapeText(String(value)),
    bigint: (value) => escapeText(String(value)),
    boolean: String,
    date: (value) => escapeText(value.toISOString()),
    object: (value) => escapeText(JSON.stringify(value)),
  },
}

/** A column: its header, and the property that it shows. */
export interface Column<Row> {
  header: string
  key: string & keyof Row
}

/** The header line, then one line for each row. The header waits for the first row, so that a failed query yields nothing. */
export async function* csvLines<Row extends object>(
  columns: Column<Row>[],
  rows: AsyncIterable<Row>,
): AsyncGenerator<string> {
  const header = stringify([], { ...OPTIONS, columns, header: true })
  let headerSent = false
  for await (const row of rows) {
    if (!headerSent) yield header
    headerSent = true
    yield stringify([row], { ...OPTIONS, columns })
  }
  if (!headerSent) yield header
}

function escapeText(text: string): string {
  return text.replace(CONTROL_CHARACTER, unicodeEscape).replace(FORMULA_START, "'")
}

/** The character as JSON escapes it: `\u202e`. */
function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
