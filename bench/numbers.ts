/** Medians, percentiles, and formatted numbers. */

/** NaN for no values. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** The smallest value that `share` (0 to 1) of the values do not exceed; NaN for no values. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}

/** `12,345`, `123`, `12.3`, `1.23`: three digits, or all before the point; `–` if there is no number. */
export function readable(value: number): string {
  if (!Number.isFinite(value)) return '–'
  const size = Math.abs(value)
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : 2
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

/** `1.20–3.40`. */
export function range(values: readonly number[]): string {
  return values.length === 0 ? '–' : `${readable(Math.min(...values))}–${readable(Math.max(...values))}`
}

/** 1000000 → `1,000,000`. */
export const count = (value: number) => value.toLocaleString('en-US')
