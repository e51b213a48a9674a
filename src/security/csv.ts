/** CSV (RFC 4180) that a spreadsheet shows and does not run: names, user agents and reasons are other people's words. */

/** Written before what a spreadsheet would take for a formula (OWASP, CSV Injection), full-width forms included. */
const FORMULA = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/

/** One line, every field quoted. Null is empty, an instant is ISO 8601, what has parts is JSON. */
export function csvLine(fields: readonly unknown[]): string {
  return `${fields.map(csvField).join(',')}\r\n`
}

function csvField(value: unknown): string {
  const text = textOf(value)
  const harmless = FORMULA.test(text) ? `'${text}` : text
  return `"${harmless.replaceAll('"', '""')}"`
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (value instanceof Date) return value.toISOString()
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
