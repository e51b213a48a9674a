/**
 * Metrics of what counts by itself in plain numbers, read only when somebody asks: the hot path pays for an addition, not
 * for a library. prom-client prints them, and adds them up over workers.
 */
import { type Aggregator, Counter, Gauge, type Metric, type Registry } from 'prom-client'

export interface Sample {
  value: number
  labels?: Record<string, string>
}

/** What a metric is now. */
export type Read = () => number | Sample[]

export interface Options {
  labelNames?: string[]
  /** What the values of several workers come to. */
  aggregator?: Aggregator
}

export type Collectors = ReturnType<typeof createCollectors>

/** Makes metrics of a registry, all of them with the prefix `global_logout_`. */
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

    /** @param durations by the values of the label. */
    histogram(suffix: string, help: string, label: string, durations: Readonly<Record<string, Durations>>) {
      const name = nameOf(suffix)
      const get = async () => {
        const values = Object.entries(durations).flatMap(([value, each]) =>
          each.samples(name, { [label]: value }),
        )
        return { name, help, type: 'histogram', aggregator: 'sum', values }
      }
      // Made by hand: a Histogram of prom-client takes no buckets that were counted elsewhere.
      registry.registerMetric({ name, get } as unknown as Metric)
    },
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
