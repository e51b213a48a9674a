/**
 * A pooler like PgBouncer in transaction mode, with one server connection. A client has the connection for one transaction, and
 * settings are not reset between two clients. It asks for no password.
 */
import { createServer, type Socket } from 'node:net'
import pg from 'pg'
import t from 'tap'
import { listen } from './ports.ts'

const [INT, PARAMETERS] = [4, { server_version: '18.0', client_encoding: 'UTF8' }]

/** A message of the protocol. */
function message(type: string, ...parts: (string | number)[]): Buffer {
  const body = Buffer.concat(
    parts.map((part) => {
      if (typeof part === 'string') return Buffer.from(`${part}\0`)
      const bytes = Buffer.alloc(INT)
      bytes.writeInt32BE(part)
      return bytes
    }),
  )
  const head = Buffer.alloc(1 + INT)
  head.write(type)
  head.writeInt32BE(body.length + INT, 1)
  return Buffer.concat([head, body])
}

const READY = Buffer.concat([
  message('R', 0),
  ...Object.entries(PARAMETERS).map((pair) => message('S', ...pair)),
  message('K', 1, 1),
  Buffer.from('Z\0\0\0\x05I'),
])

/** Starts one in front of the database. @returns where it listens; closed when the test file ends. */
export async function startTransactionPooler(url: string): Promise<string> {
  const server = new pg.Client({ connectionString: url })
  server.on('error', () => {})
  await server.connect()
  const stream = server.connection.stream as Socket
  stream.removeAllListeners('data')
  /** The client that has the server connection, and the chunks of the clients that wait for it. */
  let owner: Socket | undefined
  const waiting: [Socket, Buffer][] = []
  let unread = Buffer.alloc(0)

  function send(client: Socket, chunk: Buffer): void {
    if (owner && owner !== client) return void waiting.push([client, chunk])
    owner = client
    stream.write(chunk)
  }
  stream.on('data', (chunk: Buffer) => {
    owner?.write(chunk)
    unread = Buffer.concat([unread, chunk])
    while (unread.length > INT && unread.length > unread.readInt32BE(1)) {
      const end = 1 + unread.readInt32BE(1)
      const [type, state] = [
        String.fromCharCode(unread[0] as number),
        String.fromCharCode(unread[end - 1] as number),
      ]
      unread = unread.subarray(end)
      if (type === 'Z' && state === 'I') owner = undefined
    }
    const next = owner ? undefined : waiting.shift()
    if (next) send(...next)
  })

  const clients = new Set<Socket>()
  const pooler = createServer((client) => {
    clients.add(client)
    client.on('error', () => {})
    client.once('data', () => {
      client.write(READY)
      // An "X" would end the server.
      client.on('data', (chunk) => void (chunk[0] === 0x58 || send(client, chunk)))
    })
  })
  const port = await listen(pooler)
  t.teardown(async () => {
    for (const client of clients) client.destroy()
    pooler.close()
    stream.destroy()
  })
  return `postgres://ada@127.0.0.1:${port}/app`
}
