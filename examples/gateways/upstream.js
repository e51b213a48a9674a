/**
 * An application to stand behind the gateways: answers with the request as it arrived, header by header, and prints
 * a line for each. A WebSocket gets the same as its first message. `/status/404` answers with that status.
 */
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'

/** @typedef {import('node:http').IncomingMessage} Request */

/**
 * The head of a request with its headers in the spelling, order and number in which they came.
 * @param {Request} request
 */
function asReceived({ method, url, httpVersion, rawHeaders }) {
  const lines = [`${method} ${url} HTTP/${httpVersion}`]
  for (let i = 0; i < rawHeaders.length; i += 2) lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`)
  return `${lines.join('\r\n')}\r\n\r\n`
}

/** @param {Request} request */
function print({ method, url, headers }) {
  process.stdout.write(`${method} ${url} for ${headers['x-user-id'] ?? 'nobody'}\n`)
}

const server = createServer((request, response) => {
  print(request)
  const [, status = 200] = /^\/status\/([2-5]\d\d)$/.exec(request.url ?? '') ?? []
  response.writeHead(Number(status), { 'content-type': 'text/plain; charset=utf-8' })
  response.write(asReceived(request))
  request.pipe(response)
})

/** RFC 6455: the handshake, one text message, and goodbye. It agrees to any other protocol as well. */
server.on('upgrade', (request, socket) => {
  print(request)
  const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`
  const accept = createHash('sha1').update(key).digest('base64')
  const message = Buffer.from(asReceived(request))
  const length = Buffer.of(message.length >> 8, message.length & 255)
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: ${request.headers.upgrade}\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
  )
  socket.write(Buffer.concat([Buffer.of(0x81, 126), length, message]))
  socket.on('error', () => {})
  socket.resume().on('end', () => socket.end())
})

server.listen(3000, '127.0.0.1', () => process.stdout.write('Application on http://127.0.0.1:3000\n'))
