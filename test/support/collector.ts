/** A small OTLP receiver. It reads the spans that exporters post to `/v1/traces` (protobuf, opentelemetry-proto 1.x). */
import { createServer } from 'node:http'
import t from 'tap'
import { listen } from './ports.ts'
import { waitFor } from './within.ts'

export interface Span {
  name: string
  traceId: string
  id: string
  parentId: string
  /** 2: a server span, 3: a client span. */
  kind: number
  /** In nanoseconds since 1970. */
  begun: number
  end: number
  attributes: Record<string, unknown>
  events: number
  /** 2: an error. */
  status: { code: number; message: string }
  resource: Record<string, unknown>
}

/** Closed when the test file ends. */
export async function collector() {
  const bodies: Buffer[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    if (request.url === '/v1/traces') bodies.push(Buffer.concat(chunks))
    response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
  })
  const port = await listen(server)
  t.teardown(() => server.close().closeAllConnections())
  const spans = () => bodies.flatMap(spansOf)
  return {
    endpoint: `http://127.0.0.1:${port}`,
    /** All bytes received. */
    bytes: () => Buffer.concat(bodies),
    spans,
    /** Resolves with the spans of a trace that have arrived, once one of them has that name. */
    async trace(traceId: string, name: string): Promise<Span[]> {
      return await waitFor(`a span "${name}" of trace ${traceId}`, () => {
        const found = spans().filter((span) => span.traceId === traceId)
        return found.some((span) => span.name === name) && found
      })
    },
  }
}

/**
 * The fields of a protobuf message by number; messages, texts and bytes unparsed, numbers as big integers.
 */
function fields(message: Buffer): Map<number, (Buffer | bigint)[]> {
  const found = new Map<number, (Buffer | bigint)[]>()
  let at = 0
  const varint = () => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[at++] ?? 0
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
  const bytes = (length: number) => {
    at += length
    return message.subarray(at - length, at)
  }
  while (at < message.length) {
    const key = Number(varint())
    const wire = key & 7
    const value = wire === 0 ? varint() : bytes(wire === 1 ? 8 : wire === 5 ? 4 : Number(varint()))
    found.set(key >> 3, [...(found.get(key >> 3) ?? []), value])
  }
  return found
}

const all = (message: Buffer | undefined, field: number) =>
  (message ? (fields(message).get(field) ?? []) : []) as Buffer[]
const text = (message: Buffer, field: number) => all(message, field)[0]?.toString('utf8') ?? ''
const hex = (message: Buffer, field: number) => all(message, field)[0]?.toString('hex') ?? ''
const number = (message: Buffer | undefined, field: number) => Number(all(message, field)[0] ?? 0)

/** A `fixed64`. */
const nanoseconds = (message: Buffer, field: number) => Number(all(message, field)[0]?.readBigUInt64LE() ?? 0)

/** `KeyValue`s in a field; values are texts or whole numbers here. */
function attributes(message: Buffer | undefined, field: number): Record<string, unknown> {
  return Object.fromEntries(
    all(message, field).map((pair) => {
      const value = fields(all(pair, 2)[0] ?? Buffer.alloc(0))
      const [string] = value.get(1) ?? []
      return [text(pair, 1), string === undefined ? Number(value.get(3)?.[0]) : string.toString()]
    }),
  )
}

/** `ExportTraceServiceRequest` → `ResourceSpans` → `ScopeSpans` → `Span`. */
function spansOf(request: Buffer): Span[] {
  return all(request, 1).flatMap((resourceSpans) =>
    all(resourceSpans, 2).flatMap((scopeSpans) =>
      all(scopeSpans, 2).map((span) => ({
        name: text(span, 5),
        traceId: hex(span, 1),
        id: hex(span, 2),
        parentId: hex(span, 4),
        kind: number(span, 6),
        begun: nanoseconds(span, 7),
        end: nanoseconds(span, 8),
        attributes: attributes(span, 9),
        events: all(span, 11).length,
        status: { code: number(all(span, 15)[0], 3), message: text(all(span, 15)[0] ?? Buffer.alloc(0), 2) },
        resource: attributes(all(resourceSpans, 1)[0], 1),
      })),
    ),
  )
}
