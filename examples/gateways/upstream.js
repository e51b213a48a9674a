/**
 * An application for behind the gateways: it answers with the request as it arrived, header by header, and
 * prints a line for each. A WebSocket gets the same as its first message. `/status/404` answers with that
 * status. It trusts its gateway as far as an application can: it switches to HTTP/2 and to a tunnel for each
 * client that asks.
 */
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'

/** @typedef {import('node:http').IncomingMessage} Request */
/** @typedef {import('node:http').ServerResponse} Response */

/** @param {string[]} raw names and values in turn, in the spelling, order and number in which they came */
function asLines(raw) {
  return raw.flatMap((name, at) => (at % 2 ? [] : [`${name}: ${raw[at + 1]}`]))
}

/** @param {Request} request */
function asReceived({ method, url, httpVersion, rawHeaders }) {
  return `${[`${method} ${url} HTTP/${httpVersion}`, ...asLines(rawHeaders)].join('\r\n')}\r\n\r\n`
}

/** @param {Request} request */
function print({ method, url, headers }) {
  process.stdout.write(`${method} ${url} for ${headers['x-user-id'] ?? 'nobody'}\n`)
}

/**
 * @param {Request} request
 * @param {Response} response
 */
function answer(request, response) {
  print(request)
  const [, status = 200] = /^\/status\/([2-5]\d\d)$/.exec(request.url ?? '') ?? []
  response.writeHead(Number(status), { 'content-type': 'text/plain; charset=utf-8' })
  response.write(asReceived(request))
  request.pipe(response, { end: false })
  request.on('end', () =>
    response.end(
      asLines(request.rawTrailers)
        .map((line) => `\r\ntrailer ${line}`)
        .join(''),
    ),
  )
}

// More header bytes than any gateway passes.
const server = createServer({ maxHeaderSize: 256 * 1024 }, answer)
const http2 = createHttp2Server((request, response) =>
  answer(/** @type {any} */ (request), /** @type {any} */ (response)),
)

server.on('upgrade', (request, socket) => {
  print(request)
  socket.on('error', () => {})
  const [, status] = /^\/status\/([2-5]\d\d)$/.exec(request.url ?? '') ?? []
  const protocol = /h2c/i.test(request.headers.upgrade ?? '') ? 'h2c' : request.headers.upgrade
  if (status) {
    socket.write(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\n\r\n`)
    server.emit('connection', socket)
  } else if (protocol === 'h2c') {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n')
    http2.emit('connection', socket)
  } else openWebSocket(request, socket)
})

/**
 * RFC 6455: the handshake, one text message, and the close. It accepts any other protocol as well.
 * @param {Request} request
 * @param {import('node:stream').Duplex} socket
 */
function openWebSocket(request, socket) {
  const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`
  const accept = createHash('sha1').update(key).digest('base64')
  const message = Buffer.from(asReceived(request))
  const length = Buffer.of(message.length >> 8, message.length & 255)
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: ${request.headers.upgrade}\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
  )
  socket.write(Buffer.concat([Buffer.of(0x81, 126), length, message]))
  socket.resume().on('end', () => socket.end())
}

/** Accepts a tunnel, and reads further requests in it. */
server.on('connect', (request, socket) => {
  print(request)
  socket.on('error', () => {})
  socket.write('HTTP/1.1 200 OK\r\n\r\n')
  server.emit('connection', socket)
})

server.listen(3000, '127.0.0.1', () => process.stdout.write('Application on http://127.0.0.1:3000\n'))
