/**
 * OpenTelemetry traces; loaded only when an OTLP endpoint is configured, and told what to do by the standard `OTEL_*`
 * variables, which the SDK reads. The promise: what leaves names nobody (what instrumentations record is let out by a list,
 * without error texts, addresses or query strings), and a collector that is away, slow or wrong disturbs nothing.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { createRequire } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import { FastifyOtelInstrumentation } from '@fastify/otel'
import {
  type Attributes,
  DiagLogLevel,
  diag,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg'
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources'
import {
  BatchSpanProcessor,
  NodeTracerProvider,
  type ReadableSpan,
  type SpanExporter,
} from '@opentelemetry/sdk-trace-node'
import type { FastifyBaseLogger, FastifyPluginCallback } from 'fastify'
import { version } from '../version.ts'

/** How long a stop waits for the last spans, in milliseconds. */
const FLUSH_MS = 2_000
/** Asked every few seconds; what they do is known. */
const PROBES = ['/healthz', '/readyz', '/metrics']

/** All that leaves with a span, beside its name, times and status. None of it is chosen by a client or names a person. */
const ATTRIBUTES = [
  'db.namespace',
  'db.postgresql.plan',
  'db.query.text',
  'db.system.name',
  'global_logout.request_id',
  'http.request.method',
  'http.response.status_code',
  'http.route',
  'server.address',
  'server.port',
]

export interface Tracing {
  /** Makes a span of each request; register it before the routes. */
  plugin: FastifyPluginCallback
  /**
   * Begins a span for a check whose caller traces it. Others get none: a check takes microseconds and is asked for every
   * request of every application. @returns what ends it.
   */
  check(headers: IncomingHttpHeaders): ((status: number) => void) | undefined
  /** Sends what is left, if it can be done soon. */
  close(): Promise<void>
}

/** For a line of the log: which span it belongs to, if to any. */
export function logFields(): Record<string, string> {
  const active = trace.getActiveSpan()?.spanContext()
  return active ? { trace_id: active.traceId, span_id: active.spanId } : {}
}

export function startTracing(log: FastifyBaseLogger): Tracing {
  diag.setLogger(diagnosticsTo(log), DiagLogLevel.WARN)
  const provider = new NodeTracerProvider({
    resource: defaultResource()
      .merge(
        resourceFromAttributes({
          'service.name': 'global-logout',
          'service.version': version,
          'service.instance.id': crypto.randomUUID(),
        }),
      )
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor(discreet(new OTLPTraceExporter(), log))],
  })
  provider.register()
  instrumentPg()
  const requests = new FastifyOtelInstrumentation({
    instrumentHooks: false,
    instrumentHandler: false,
    recordExceptions: false,
    ignorePaths: ({ url }) => PROBES.includes(url.split('?', 1)[0] ?? ''),
    requestHook(span, { id, method, routeOptions: { url } }) {
      span.updateName(url === undefined ? method : `${method} ${url}`)
      span.setAttribute('global_logout.request_id', id)
    },
  })
  const tracer = trace.getTracer('global-logout', version)

  return {
    plugin: requests.plugin(),

    check(headers) {
      if (headers.traceparent === undefined) return undefined
      const context = propagation.extract(ROOT_CONTEXT, headers)
      const caller = trace.getSpanContext(context)
      if (!caller || (caller.traceFlags & TraceFlags.SAMPLED) === 0) return undefined
      const attributes = { 'http.route': '/check' }
      const span = tracer.startSpan('check', { kind: SpanKind.SERVER, attributes }, context)
      return (status) => {
        span.setAttribute('http.response.status_code', status)
        if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
        span.end()
      }
    },

    close: () =>
      Promise.race([provider.shutdown().catch(() => {}), sleep(FLUSH_MS, undefined, { ref: false })]),
  }
}

/**
 * Queries become spans of the request that makes them. `pg` is a CommonJS module, one for all who import it, and loaded long
 * ago: requiring it once more hands the instrumentation the prototypes that everybody uses, without a loader hook.
 */
function instrumentPg(): void {
  new PgInstrumentation({ requireParentSpan: true })
  const require = createRequire(import.meta.url)
  require('pg')
  createRequire(require.resolve('pg'))('pg-pool')
}

/** Lets out what may leave. A collector that fails is one line in the log, and another when it is back. */
function discreet(exporter: SpanExporter, log: FastifyBaseLogger): SpanExporter {
  let failing = false
  return {
    export(spans, done) {
      exporter.export(spans.map(scrub), ({ code, error }) => {
        const failed = code !== 0
        if (failed && !failing)
          log.warn({ reason: error?.message }, 'traces cannot be sent; they are dropped')
        if (!failed && failing) log.info('traces are sent again')
        failing = failed
        // Told of a failure, the processor would log each one.
        done({ code: 0 })
      })
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  }
}

/** The same span without events, which quote errors, and with only the attributes that may leave. */
function scrub(span: ReadableSpan): ReadableSpan {
  const attributes: Attributes = Object.fromEntries(
    ATTRIBUTES.filter((name) => name in span.attributes).map((name) => [name, span.attributes[name]]),
  )
  // The caller's `tracestate` is any text of theirs.
  const { traceState: _, ...context } = span.spanContext()
  return Object.create(span, {
    spanContext: { value: () => context },
    attributes: { value: attributes },
    events: { value: [] },
    status: { value: { code: span.status.code } },
  })
}

/** What the SDK complains of: settings that it cannot use. */
function diagnosticsTo(log: FastifyBaseLogger) {
  const warn = (message: string) => log.warn(`traces: ${message}`)
  return { error: warn, warn, info: () => {}, debug: () => {}, verbose: () => {} }
}
