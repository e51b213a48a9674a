/**
 * A connection to PostgreSQL that costs its process as little as it can: a process that stands for a thousand machines should not be the
 * limit of what it measures. It prepares statements by name, sends one at a time, with parameters as text, and hears notifications.
 */
import type { Socket } from 'node:net'
import pg from 'pg'
import type { Prepared } from '../../src/database/pooled-client.ts'

/** A message begins with its type and a 32-bit length, which counts itself: "Message Formats" in PostgreSQL's manual. */
const HEADER = 5
const END = Buffer.concat([message('E', text(''), int32(0)), message('S')])

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function text(value: string): Buffer {
  return Buffer.from(`${value}\0`)
}

function message(type: string, ...parts: Buffer[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 4)
  return Buffer.concat([Buffer.from(type), int32(length), ...parts])
}

/** Values and results are in their text formats. */
function bind(name: string, values: readonly string[]): Buffer {
  const parameters = values.flatMap((value) => {
    const bytes = Buffer.from(value)
    return [int32(bytes.length), bytes]
  })
  return message('B', text(''), text(name), int16(0), int16(values.length), ...parameters, int16(0))
}

/** A row of texts, and of arrays of texts that need no quotes. */
function readRow(bytes: Buffer, at: number): unknown[] {
  const row: unknown[] = []
  let next = at + 2
  for (let n = bytes.readInt16BE(at); n > 0; n--) {
    const length = bytes.readInt32BE(next)
    next += 4
    const value = length < 0 ? null : bytes.toString('latin1', next, next + length)
    row.push(value?.startsWith('{') ? value.slice(1, -1).split(',').filter(Boolean) : value)
    next += Math.max(length, 0)
  }
  return row
}

export interface Wire {
  query(statement: Prepared): Promise<unknown[][]>
  end(): void
}

/** Connects, and listens on the channel. */
export async function connectWire(
  url: string,
  channel: string,
  onNotify: (text: string) => void,
): Promise<Wire> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  await client.query(`listen ${pg.escapeIdentifier(channel)}`)
  // node-postgres has opened it, and is not asked again.
  const { stream } = (client as unknown as { connection: { stream: Socket } }).connection
  stream.removeAllListeners('data')

  const prepared = new Set<string>()
  let rows: unknown[][] = []
  let error: Error | null = null
  let current: PromiseWithResolvers<unknown[][]> | null = null
  let pending = Buffer.alloc(0)

  function hear(type: string, bytes: Buffer, at: number, end: number): void {
    if (type === 'D') rows.push(readRow(bytes, at))
    else if (type === 'E') error = new Error(bytes.toString('utf8', at, end))
    else if (type === 'A') onNotify(bytes.toString('latin1', bytes.indexOf(0, at + 4) + 1, end - 1))
    else if (type === 'Z') {
      const [answered, found, failed] = [current, rows, error]
      current = error = null
      rows = []
      if (failed) answered?.reject(failed)
      else answered?.resolve(found)
    }
  }

  stream.on('data', (chunk: Buffer) => {
    const bytes = pending.length > 0 ? Buffer.concat([pending, chunk]) : chunk
    let at = 0
    while (bytes.length >= at + HEADER) {
      const end = at + 1 + bytes.readInt32BE(at + 1)
      if (bytes.length < end) break
      hear(String.fromCharCode(bytes[at] ?? 0), bytes, at + HEADER, end)
      at = end
    }
    pending = bytes.subarray(at)
  })
  stream.on('close', () => current?.reject(new Error('the connection is closed')))

  return {
    query({ name, text: sql, values }) {
      current = Promise.withResolvers()
      const parts = [bind(name, values as string[]), END]
      if (!prepared.has(name)) parts.unshift(message('P', text(name), text(sql), int16(0)))
      prepared.add(name)
      stream.write(Buffer.concat(parts))
      return current.promise
    },
    end: () => void stream.end(message('X')),
  }
}
