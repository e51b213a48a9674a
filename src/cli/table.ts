/** Tables for people: as wide as their content, without lines, so that they are easy to read and to cut; made to fit a terminal. */
import Table from 'cli-table3'
import { print, visible } from './print.ts'

/** A last column of sentences is wrapped where this many columns are left for it. */
const SENTENCE = 30
const INDENT = '    '
const NO_LINES = Object.fromEntries(
  'top top-mid top-left top-right bottom bottom-mid bottom-left bottom-right left left-mid mid mid-mid right right-mid'
    .split(' ')
    .map((place) => [place, '']),
)

export function printTable(head: string[], rows: string[][]): void {
  print(table(head, rows, process.stdout.isTTY ? process.stdout.columns : undefined))
}

/**
 * The table as text. Where `width` is too narrow, the last column is wrapped; where that does not help, what does not fit
 * follows on a line of its own below each row.
 */
export function table(head: string[], rows: string[][], width = Number.POSITIVE_INFINITY): string {
  const cells = rows.map((row) => row.map(visible))
  const columns = (from: number, to?: number, last?: number) =>
    render(
      head.slice(from, to),
      cells.map((row) => row.slice(from, to)),
      last,
    )
  const whole = columns(0)
  if (widest(whole) <= width) return whole
  const left = width - widest(columns(0, -1)) - 2
  if (left >= SENTENCE) return columns(0, undefined, left)

  let fit = head.length - 1
  while (fit > 1 && widest(columns(0, fit)) > width) fit--
  const below = columns(fit).split('\n')
  return columns(0, fit)
    .split('\n')
    .map((line, i) => `${line}\n${INDENT}${below[i] ?? ''}`)
    .join('\n')
}

function render(head: string[], rows: string[][], last?: number): string {
  const made = new Table({
    head: head.map((word) => word.toUpperCase()),
    chars: { ...NO_LINES, middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    ...(last && { colWidths: [...Array(head.length - 1).fill(null), last], wordWrap: true }),
  })
  made.push(...rows)
  return made
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}

function widest(text: string): number {
  return text.split('\n').reduce((most, line) => Math.max(most, line.length), 0)
}
