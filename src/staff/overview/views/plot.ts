/** A bar chart of one figure over time as SVG, and as a table. The stylesheet sets the colours. */
import { html, type SafeHtml } from '@remix-run/html-template'

export interface Plot {
  id: string
  title: string
  /** The unit of the large number: "now", "in 24 hours". */
  label: string
  number: number
  /** One per step. */
  values: readonly number[]
  /** Start of the first step, in epoch seconds. */
  from: number
  stepSeconds: number
  note?: SafeHtml
}

const WIDTH = 240
const HEIGHT = 64
const GAP = 2

export function plot({ id, title, label, number, values, from, stepSeconds, note }: Plot): SafeHtml {
  const most = Math.max(1, ...values)
  const width = WIDTH / values.length
  const start = (i: number) => new Date((from + i * stepSeconds) * 1000)
  const peak = values.indexOf(Math.max(...values))
  const bars = values.map((value, i) => {
    // Every value above zero stays visible.
    const height = value === 0 ? 0 : Math.max(2, (value / most) * HEIGHT)
    return html`<rect x="${round(i * width + GAP / 2)}" y="${round(HEIGHT - height)}" width="${round(width - GAP)}" height="${round(height)}"><title>${formatTime(start(i))}: ${value.toLocaleString('en')}</title></rect>`
  })
  return html`<figure class="panel plot" aria-labelledby="${id}">
<h3 id="${id}">${title}</h3>
<p class="scale"><span><strong>${number.toLocaleString('en')}</strong> ${label}</span><span>highest ${Math.max(...values).toLocaleString('en')}</span></p>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-labelledby="${id}-title ${id}-desc">
<title id="${id}-title">${title}</title>
<desc id="${id}-desc">${values.length} bars from ${formatTime(start(0))} on; the highest is ${most === 1 && values[peak] === 0 ? 'zero' : `${(values[peak] ?? 0).toLocaleString('en')}, from ${formatTime(start(peak))}`}.</desc>
${bars}
<line x1="0" y1="0" x2="${WIDTH}" y2="0"/><line x1="0" y1="${HEIGHT}" x2="${WIDTH}" y2="${HEIGHT}"/>
</svg>
<p class="axis"><span>${formatTime(start(0))}</span><span>${formatTime(start(values.length / 2))}</span><span>now (UTC)</span></p>
${note ?? ''}
<details><summary>As a table<span class="unseen">: ${title}</span></summary>
<table>
<caption class="unseen">${title}</caption>
<thead><tr><th scope="col">From (UTC)</th><th scope="col">${title}</th></tr></thead>
<tbody>
${values.map(
  (
    value,
    i,
  ) => html`<tr><th scope="row">${formatTime(start(i))}</th><td>${value.toLocaleString('en')}</td></tr>
`,
)}</tbody>
</table>
</details>
</figure>`
}

const day = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  timeZone: 'UTC',
})

/** "24 Nov, 13:00". */
function formatTime(date: Date): string {
  return day.format(date)
}

function round(n: number): number {
  return Math.round(n * 100) / 100
}
