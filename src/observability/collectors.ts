/**
 * Metrics over plain counters, which are read only when metrics are collected: the hot path costs one addition.
 * prom-client formats the metrics and aggregates them over workers.
 */
import { type Aggregator, Counter, Gauge, type Metric, type Registry } from 'prom-client'

export interface Sample {
  value: number
  labels?: Record<string, string>
}

/** Reads the current value of a metric. */
export type Read = () => number | Sample[]

export interface Options {
  labelNames?: string[]
  /** How the values of several workers are combined. */
  aggregator?: Aggregator
}

export type Collectors = ReturnType<typeof createCollectors>

/** Creates metrics in a registry, all with the prefix `global_logout_`. */
export function createCollectors(registry: Registry) {
  const registers = [registry]
  const nameOf = (suffix: string) => `global_logout_${suffix}`
  const samplesOf = (read: Read) => {
    const now = read()
    const samples: Sample[] = typeof now === 'number' ? [{ value: now }] : now
    return samples.map(({ value, labels = {} }) => ({ value, labels }))
  }

  return {
    counter(suffix: string, help: string, read: Read, { labelNames = [] }: Pick<Options, 'labelNames'> = {}) {
      new Counter({
        name: nameOf(suffix),
        help,
        labelNames,
        registers,
        collect() {
          this.reset()
          for (const { labels, value } of samplesOf(read)) this.inc(labels, value)
        },
      })
    },

    gauge(suffix: string, help: string, read: Read, { labelNames = [], aggregator = 'sum' }: Options = {}) {
      new Gauge({
        name: nameOf(suffix),
        help,
        labelNames,
        aggregator,
        registers,
        collect() {
          for (const { labels, value } of samplesOf(read)) this.set(labels, value)
        },
      })
    },

    /** @param durations by label value. */
    histogram(suffix: string, help: string, label: string, durations: Readonly<Record<string, Durations>>) {
      const name = nameOf(suffix)
      const get = async () => {
        const values = Object.entries(durations).flatMap(([value, each]) =>
          each.samples(name, { [label]: value }),
        )
        return { name, help, type: 'histogram', aggregator: 'sum', values }
      }
      // Built by hand: prom-client's Histogram cannot take counts from outside.
      registry.registerMetric({ name, get } as unknown as Metric)
    },
  }
}

/** One sample per label value. */
export function byLabel(label: string, counts: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(counts).map(([value, count]) => ({ labels: { [label]: value }, value: count }))
}

/** A histogram of durations. */
export class Durations {
  /** Upper bounds, in milliseconds. */
  readonly #bounds: readonly number[]
  /** Durations per bucket, not cumulative; the last bucket has no upper bound. */
  readonly #counts: Float64Array
  #sum = 0

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.#counts = new Float64Array(bounds.length + 1)
  }

  /** Adds a duration in milliseconds. The search starts at the shortest bucket, because most durations are short. */
  add(ms: number): void {
    let bucket = 0
    while (ms > (this.#bounds[bucket] ?? Number.POSITIVE_INFINITY)) bucket++
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1
    this.#sum += ms
  }

  /** Samples as Prometheus expects them: in seconds, with cumulative buckets. */
  samples(name: string, labels: Record<string, string>) {
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
