/** Generates requests for an operation: valid ones, almost valid ones, and nonsense of many kinds. */
import fc, { type Arbitrary } from 'fast-check'
import type { Operation } from './operations.ts'
import type { Sent } from './send.ts'

/** Good values, by the name of a parameter or field. */
export type Known = Record<string, readonly unknown[]>

const NASTY = [
  '',
  '\0',
  'a\0b',
  '\ud800',
  '\udfff\ud800x',
  '💥',
  'e\u0301',
  '\u202e',
  '../../etc/passwd',
  "' or 1=1 --",
  '%00',
  '__proto__',
  'constructor',
  '-1',
  '1e999',
  'null',
  'x'.repeat(129),
  'x'.repeat(2_049),
  'x'.repeat(20_000),
]
const PATH_PIECES = [
  'x',
  '%',
  '%zz',
  '%00',
  '%ff',
  '%F0%9F%92%A5',
  '%2e%2e',
  '%2F',
  '..',
  '-',
  '*',
  '{id}',
  'a'.repeat(300),
]
const TYPES = [
  'application/json; charset=utf-16',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'text/plain',
  'application/xml',
  'nonsense',
  'application/json, text/plain',
  '',
]
const BROKEN_JSON = [
  '{',
  '{"scope":',
  '"',
  '{"a":1}}',
  '{"__proto__":{}}',
  '{"constructor":{"prototype":{}}}',
  '\0',
  '[['.repeat(4_000),
  'nul',
  '\ufeff{}',
]
const STRAY_HEADERS = [
  'user-agent',
  'accept',
  'referer',
  'x-user-id',
  'x-request-id',
  'x-forwarded-for',
  'x-forwarded-host',
  'forwarded',
  'if-none-match',
  'accept-encoding',
  'origin',
  'last-event-id',
  'traceparent',
  'cookie',
  'range',
]
const STRAY_VALUES = ['*/*', 'text/html', 'text/event-stream', '127.0.0.1', 'bytes=0-1', 'application/json']

const text = fc.oneof(fc.constantFrom(...NASTY), fc.string({ unit: 'binary' }), fc.string())
const json = fc.oneof(text, fc.jsonValue(), fc.double(), fc.constantFrom(2 ** 60, [], {}, [[]]))

/** One of several, with a probability by weight. */
const mixed = <T>(...choices: [weight: number, arbitrary: Arbitrary<T>][]) =>
  fc.oneof(...choices.map(([weight, arbitrary]) => ({ weight, arbitrary })))

const good = (name: string, known: Known) => fc.constantFrom(...(known[name] ?? ['x']))
const encoded = (value: unknown) =>
  encodeURIComponent((typeof value === 'string' ? value : JSON.stringify(value)).toWellFormed())

interface Payload {
  headers: Sent['headers']
  body?: Uint8Array
}
const typed =
  (type: string) =>
  (body: string | Uint8Array): Payload => ({
    headers: [['content-type', type]],
    body: typeof body === 'string' ? new TextEncoder().encode(body) : body,
  })
const NOTHING: Payload = { headers: [] }

/** Values for the fields of a schema, with few or many faults: wrong, missing and unknown fields. */
function objectOf({ bodies }: Operation, known: Known): Arbitrary<object> {
  const names = Object.values(bodies).flatMap(({ properties = {} }) => Object.keys(properties))
  const record = (field: (name: string) => Arbitrary<unknown>) =>
    Object.fromEntries(names.map((name) => [name, field(name)]))
  const flawless = fc.record(record((name) => good(name, known)))
  const faulty = fc.record(
    record((name) => mixed([3, good(name, known)], [2, json])),
    { requiredKeys: [] },
  )
  const overfull = fc
    .tuple(flawless, fc.dictionary(text, json, { maxKeys: 2 }))
    .map(([object, more]) => ({ ...object, ...more }))
  return mixed<object>([3, flawless], [3, faulty], [1, overfull])
}

function payloadOf(operation: Operation, known: Known): Arbitrary<Payload> {
  const object = objectOf(operation, known)
  const asJson = object.map((value) => JSON.stringify(value))
  const asForm = object.map((value) =>
    Object.entries(value)
      .map(([key, field]) => `${encoded(key)}=${encoded(field)}`)
      .join('&'),
  )
  const anyText = fc.oneof(asJson, asForm, fc.constantFrom(...BROKEN_JSON), text)
  return mixed<Payload>(
    [Object.keys(operation.bodies).length > 0 ? 2 : 20, fc.constant(NOTHING)],
    [8, asJson.map(typed('application/json'))],
    [4, asForm.map(typed('application/x-www-form-urlencoded'))],
    [2, json.map((value) => JSON.stringify(value)).map(typed('application/json'))],
    [2, fc.constantFrom(...BROKEN_JSON).map(typed('application/json'))],
    [1, fc.uint8Array({ maxLength: 64 }).map(typed('application/json'))],
    [2, fc.tuple(fc.constantFrom(...TYPES), anyText).map(([type, body]) => typed(type)(body))],
    [1, asJson.map((body) => ({ ...typed('')(body), headers: [] }))],
  )
}

/** Latin-1, as headers are, without characters that clients cannot send. */
const headerText = text.map((value) => value.replace(/[^\t\x20-\x7e\x80-\xff]/g, '').slice(0, 4_000))

/** Unexpected headers, some of them twice. */
const stray: Arbitrary<Sent['headers']> = fc
  .uniqueArray(
    fc.tuple(fc.constantFrom(...STRAY_HEADERS), fc.oneof(headerText, fc.constantFrom(...STRAY_VALUES))),
    { maxLength: 4, selector: ([name]) => name },
  )
  .chain((headers) => fc.constantFrom(headers, [...headers, ...headers]))

function pathOf({ path, parameters }: Operation, known: Known): Arbitrary<string> {
  const pieces = path.split('/').map((piece) => {
    const name = /^\{(.+)\}$/.exec(piece)?.[1]
    if (!name) return fc.constant(piece)
    return mixed(
      [4, good(name, known).map(String)],
      [2, fc.constantFrom(...PATH_PIECES)],
      [1, text.map((value) => encoded(value) || 'x')],
    )
  })
  const named = parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name)
  const pair = fc
    .constantFrom(...named, ...named, 'x')
    .chain((name) =>
      mixed(
        [4, good(name, known).map((value) => `${name}=${encoded(value)}`)],
        [1, text.map((value) => `${name}=${encoded(value.slice(0, 3_000))}`)],
        [1, fc.constantFrom(name, `${name}=%zz`, `${name}=%`, `${name}[]=1`, `${name}[a]=1`, '&&', '%', '=')],
      ),
    )
  return fc
    .tuple(fc.tuple(...pieces), fc.array(pair, { maxLength: 3 }))
    .map(([pieces, pairs]) => pieces.join('/') + (pairs.length > 0 ? `?${pairs.join('&')}` : ''))
}

/** A request without faults. */
export function flawless({ method, path, parameters, bodies }: Operation, known: Known): Sent {
  const value = (name: string) => (known[name] ?? ['x'])[0]
  const query = parameters.filter((parameter) => parameter.in === 'query')
  const pairs = query.map(({ name }) => `${name}=${encoded(value(name))}`)
  const names = Object.values(bodies).flatMap(({ properties = {} }) => Object.keys(properties))
  const object = Object.fromEntries(names.map((name) => [name, value(name)]))
  return {
    method,
    path:
      path.replace(/\{(\w+)\}/g, (_, name) => encoded(value(name))) +
      (pairs.length > 0 ? `?${pairs.join('&')}` : ''),
    ...(names.length > 0 ? typed('application/json')(JSON.stringify(object)) : NOTHING),
  }
}

/** The same with one wrong value, in every place and of every kind. */
export function oneWrong(operation: Operation, known: Known): Sent[] {
  const names = Object.values(operation.bodies).flatMap(({ properties = {} }) => Object.keys(properties))
  const places = new Set([...names, ...operation.parameters.map(({ name }) => name)])
  const values = [...NASTY, null, 0, -1, 1.5, true, [], {}, ['x'], { x: 1 }]
  return [...places].flatMap((name) =>
    values.map((value) => flawless(operation, { ...known, [name]: [value] })),
  )
}

/** Requests without credentials. */
export function requestsTo(operation: Operation, known: Known): Arbitrary<Sent> {
  return fc
    .record({ path: pathOf(operation, known), payload: payloadOf(operation, known), stray })
    .map(({ path, payload, stray }) => ({
      method: operation.method,
      path,
      headers: [...stray, ...payload.headers],
      body: payload.body,
    }))
}
