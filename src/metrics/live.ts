/**
 * Metrics of what counts by itself in plain numbers, read only when somebody asks: the hot path pays for an addition, not
 * for a library. prom-client prints them, and adds them up over workers.
 */
import type { Aggregator, Metric, Registry } from 'prom-client'

export interface Sample {
  value: number
  labels?: Record<string, string>
  /** For the parts of a histogram. */
  metricName?: string
}

/** What a metric is now. */
export type Read = () => number | Sample[]

export type Board = ReturnType<typeof createBoard>

/** Where metrics are shown, all of them with the prefix `global_logout_`. */
export function createBoard(registry: Registry) {
  function show(
    type: string,
    suffix: string,
    help: string,
    read: Read,
    aggregator: Aggregator = 'sum',
  ): void {
    const name = `global_logout_${suffix}`
    const get = async () => {
      const now = read()
      const samples = typeof now === 'number' ? [{ value: now }] : now
      const values = samples.map((sample) => ({ ...sample, labels: sample.labels ?? {} }))
      return { name, help, type, aggregator, values }
    }
    // All that a registry asks of a metric; the type names the classes of prom-client itself.
    registry.registerMetric({ name, help, type, aggregator, get } as unknown as Metric)
  }

  return {
    counter: (name: string, help: string, read: Read) => show('counter', name, help, read),

    /** @param aggregator what the values of several workers come to. */
    gauge: (name: string, help: string, read: Read, aggregator?: Aggregator) =>
      show('gauge', name, help, read, aggregator),

    /** @param durations by the values of the label. */
    histogram: (name: string, help: string, label: string, durations: Readonly<Record<string, Durations>>) =>
      show('histogram', name, help, () =>
        Object.entries(durations).flatMap(([value, each]) =>
          each.samples(`global_logout_${name}`, { [label]: value }),
        ),
      ),
  }
}

/** Samples of a table of counts, by the values of one label. */
export function byLabel(label: string, counts: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(counts).map(([value, count]) => ({ labels: { [label]: value }, value: count }))
}

/** Durations in buckets. */
export class Durations {
  /** Upper bounds, in milliseconds. */
  readonly #bounds: readonly number[]
  /** Durations in each bucket alone; the last is for those beyond all bounds. */
  readonly #counts: Float64Array
  #sum = 0

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.#counts = new Float64Array(bounds.length + 1)
  }

  /** @param ms most are short, so the search begins there. */
  add(ms: number): void {
    let bucket = 0
    while (ms > (this.#bounds[bucket] ?? Number.POSITIVE_INFINITY)) bucket++
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1
    this.#sum += ms
  }

  /** As Prometheus wants a histogram: in seconds, each bucket with all that are shorter. */
  samples(name: string, labels: Record<string, string>): Sample[] {
    let count = 0
    const buckets = [...this.#counts].map((own, n) => {
      count += own
      const bound = this.#bounds[n]
      const le = bound === undefined ? '+Inf' : String(bound / 1_000)
      return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: count }
    })
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels, value: this.#sum / 1_000 },
      { metricName: `${name}_count`, labels, value: count },
    ]
  }
}
