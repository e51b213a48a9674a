/** CSV (RFC 4180) that a spreadsheet shows and does not run: names, user agents and reasons are other people's words. */

/**
 * Where a spreadsheet would take what follows for a formula (OWASP, CSV Injection), full-width forms included: at the
 * beginning, and behind whatever may begin a cell where commas do not (in most of Europe, semicolons do).
 */
const FORMULA = /(?=[=+\-@\uff1d\uff0b\uff0d\uff20])(?<=(?:^|[;,|\t\r\n])[\s"']*)/g

/** One line, every field quoted. Null is empty, an instant is ISO 8601, what has parts is JSON. */
export function csvLine(fields: readonly unknown[]): string {
  return `${fields.map(csvField).join(',')}\r\n`
}

/** What a terminal obeys, or what turns the text around it; tabs and line ends are at home in a quoted field. */
const UNSEEN = /(?![\t\r\n])[\p{Cc}\p{Bidi_Control}]/gu

function csvField(value: unknown): string {
  return `"${textOf(value).replace(UNSEEN, escaped).replace(FORMULA, "'").replaceAll('"', '""')}"`
}

/** As in JSON: `\u202e`. */
function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (value instanceof Date) return value.toISOString()
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
