/** Tables without borders, as wide as their content, fitted to the terminal. */
import Table from 'cli-table3'
import { print, visible } from './print.ts'

/** The last column is wrapped if at least this many columns are left for it. */
const MIN_WRAPPED_WIDTH = 30
const INDENT = '    '
const NO_BORDERS = Object.fromEntries(
  'top top-mid top-left top-right bottom bottom-mid bottom-left bottom-right left left-mid mid mid-mid right right-mid'
    .split(' ')
    .map((place) => [place, '']),
)

/** Prints a table, fitted to the terminal; to a file or pipe, each row is one line. */
export function printTable(head: string[], rows: string[][]): void {
  print(table(head, rows, process.stdout.isTTY ? process.stdout.columns : undefined))
}

/**
 * Formats a table. If it is wider than `width`, the last column is wrapped. If too little width is left for that, the
 * columns that do not fit follow on a second, indented line of each row.
 */
export function table(head: string[], rows: string[][], width = Number.POSITIVE_INFINITY): string {
  const cells = rows.map((row) => row.map(visible))
  const columns = (from: number, to?: number, last?: number) =>
    render(
      head.slice(from, to),
      cells.map((row) => row.slice(from, to)),
      last,
    )
  const full = columns(0)
  if (widthOf(full) <= width) return full
  const left = width - widthOf(columns(0, -1)) - 2
  if (left >= MIN_WRAPPED_WIDTH) return columns(0, undefined, left)

  let fit = head.length - 1
  while (fit > 1 && widthOf(columns(0, fit)) > width) fit--
  const below = columns(fit).split('\n')
  return columns(0, fit)
    .split('\n')
    .map((line, i) => `${line}\n${INDENT}${below[i] ?? ''}`)
    .join('\n')
}

function render(head: string[], rows: string[][], last?: number): string {
  const rendered = new Table({
    head: head.map((word) => word.toUpperCase()),
    chars: { ...NO_BORDERS, middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    ...(last && { colWidths: [...Array(head.length - 1).fill(null), last], wordWrap: true }),
  })
  rendered.push(...rows)
  return rendered
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}

function widthOf(text: string): number {
  return text.split('\n').reduce((most, line) => Math.max(most, line.length), 0)
}
