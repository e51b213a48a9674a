/** The checks of a run as bars: an SVG that follows the reader's light or dark scheme. */
import { count, median, readable } from './numbers.ts'
import { participants } from './participants.ts'
import type { Run } from './report.ts'
import type { Series } from './results.ts'

const WIDTH = 860
const LEFT = 270
const RIGHT = 90
const TOP = 92
const ROW = 34
const BAR = 20

const KINDS = {
  limit: 'looks nothing up',
  ours: 'global-logout',
  reads: 'reads the database each time',
  remembers: 'trusts a cookie',
}

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .title { font-size: 18px; font-weight: 600 }
  .quiet { fill: #57606a }
  .number { font-variant-numeric: tabular-nums }
  .spread { stroke: #24292f; stroke-width: 1.5 }
  .limit { fill: #afb8c1 } .ours { fill: #0969da } .reads { fill: #bf8700 } .remembers { fill: #8250df }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .quiet { fill: #9198a1 }
    .spread { stroke: #e6edf3 }
    .limit { fill: #59636e } .ours { fill: #4493f8 } .reads { fill: #d29922 } .remembers { fill: #ab7df8 }
  }
`

export function chart(series: Series, { date, machine, options }: Run): string {
  const rows = Object.entries(series).map(([name, samples]) => {
    const rates = samples.map(({ perSecond }) => perSecond)
    return { name, middle: median(rates), least: Math.min(...rates), most: Math.max(...rates) }
  })
  const scale = (WIDTH - LEFT - RIGHT) / Math.max(...rows.map(({ most }) => most))
  const foot = TOP + rows.length * ROW + 16
  const height = foot + 16
  const bars = rows.map(({ name, middle, least, most }, i) => {
    const { label = name, kind = 'reads' } = participants[name] ?? {}
    const y = TOP + i * ROW
    const line = y + BAR / 2
    const [from, to, end] = [least, most, middle].map((value) => round(LEFT + value * scale)) as [
      number,
      number,
      number,
    ]
    return `
  <text x="${LEFT - 12}" y="${line + 4.5}" text-anchor="end">${escapeXml(label)}</text>
  <rect class="${kind}" x="${LEFT}" y="${y}" width="${Math.max(1, round(end - LEFT))}" height="${BAR}" rx="2"/>
  <line class="spread" x1="${from}" x2="${to}" y1="${line}" y2="${line}"/>
  <text class="number" x="${Math.max(end, to) + 8}" y="${line + 4.5}">${readable(middle)}</text>`
  })
  const about = `${count(options.sessions)} sessions in PostgreSQL, 32 connections; medians of ${options.rounds} rounds, lines from least to most`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="Checks a second">
  <style>${STYLE}</style>
  <text class="title" x="16" y="30">Checks a second</text>
  <text class="quiet" x="16" y="50">${about}</text>${legend()}${bars.join('')}
  <text class="quiet" x="16" y="${foot}">${escapeXml(`${machine.processor}, ${date}`)}</text>
</svg>
`
}

function legend(): string {
  let x = 16
  return Object.entries(KINDS)
    .map(([kind, meaning]) => {
      const mark = `
  <rect class="${kind}" x="${x}" y="62" width="11" height="11" rx="2"/>
  <text class="quiet" x="${x + 16}" y="72">${meaning}</text>`
      x += 40 + meaning.length * 7
      return mark
    })
    .join('')
}

const round = (value: number) => Math.round(value * 10) / 10

function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
}
