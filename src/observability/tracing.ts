/**
 * OpenTelemetry traces, configured by the standard `OTEL_*` variables. Loaded only when an OTLP endpoint is configured.
 * Exported attributes are allow-listed: no personal data, error texts, addresses or query strings leave the process. A
 * collector that is down, slow or faulty does not affect requests.
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

/** How long shutdown waits for the last spans, in milliseconds. */
const FLUSH_MS = 2_000
/** Not traced: they are requested every few seconds. */
const PROBES = ['/healthz', '/readyz', '/metrics']

/** The exported attributes of a span, besides name, times and status. None is chosen by a client or identifies a person. */
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
  /** Creates a span for each request; register it before the routes. */
  plugin: FastifyPluginCallback
  /**
   * Starts a span for a check if the caller's trace is sampled. Other checks get no span: they take microseconds and
   * happen for every request of every application. @returns a function that ends the span.
   */
  check(headers: IncomingHttpHeaders): ((status: number) => void) | undefined
  /** Sends the remaining spans, for at most two seconds. */
  close(): Promise<void>
}

/** Fields that link a log line to the active span. */
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
    spanProcessors: [new BatchSpanProcessor(allowListed(new OTLPTraceExporter(), log))],
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
 * Creates a span for each query, below the span of its request. `pg` is a CommonJS module that is already loaded. Requiring it
 * again lets the instrumentation patch the shared prototypes, without a loader hook.
 */
function instrumentPg(): void {
  new PgInstrumentation({ requireParentSpan: true })
  const require = createRequire(import.meta.url)
  require('pg')
  createRequire(require.resolve('pg'))('pg-pool')
}

/** Exports only allow-listed attributes. Logs one line when the collector fails, and one when it recovers. */
function allowListed(exporter: SpanExporter, log: FastifyBaseLogger): SpanExporter {
  let failing = false
  return {
    export(spans, done) {
      exporter.export(spans.map(scrub), ({ code, error }) => {
        const failed = code !== 0
        if (failed && !failing) log.warn({ reason: error?.message }, 'trace export failed; spans are dropped')
        if (!failed && failing) log.info('trace export works again')
        failing = failed
        // Always success: the processor would log every failure.
        done({ code: 0 })
      })
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  }
}

/** The span with allow-listed attributes, and without events, which quote errors. */
function scrub(span: ReadableSpan): ReadableSpan {
  const attributes: Attributes = Object.fromEntries(
    ATTRIBUTES.filter((name) => name in span.attributes).map((name) => [name, span.attributes[name]]),
  )
  // The caller chooses the text of `tracestate`.
  const { traceState: _, ...context } = span.spanContext()
  return Object.create(span, {
    spanContext: { value: () => context },
    attributes: { value: attributes },
    events: { value: [] },
    status: { value: { code: span.status.code } },
  })
}

/** Logs diagnostics of the SDK, such as invalid settings. */
function diagnosticsTo(log: FastifyBaseLogger) {
  const warn = (message: string) => log.warn(`traces: ${message}`)
  return { error: warn, warn, info: () => {}, debug: () => {}, verbose: () => {} }
}
