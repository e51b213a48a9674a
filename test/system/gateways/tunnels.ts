/** Contract: no protocol but WebSocket passes, so that no request bypasses the check. */
import type { Contract, Rig } from './rig.ts'

const HANDSHAKE = [
  'Sec-WebSocket-Version: 13',
  `Sec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}`,
  'HTTP2-Settings: AAMAAABkAAQAAP__',
]

/** `Upgrade` headers in the order in which a client sends them. */
const UPGRADES = [
  ['h2c'],
  ['H2C'],
  ['h2c', 'websocket'],
  ['websocket', 'h2c'],
  ['WebSocket', 'H2c', 'websocket'],
  ['h2c, websocket'],
  ['websocket, h2c'],
  ['websocket,'],
  ['websocket/13'],
  ['anything'],
]

/** Ambiguous framings of a body; `ALL` is the length of all that follows. */
const FRAMINGS = [
  ['Transfer-Encoding: chunked'],
  ['Content-Length: ALL', 'Transfer-Encoding: chunked'],
  ['Transfer-Encoding: chunked', 'Content-Length: ALL'],
  ['Content-Length: 5', 'Content-Length: ALL'],
  ['Content-Length: 5, ALL'],
  ['Content-Length: +5'],
  ['Content-Length: 5', 'Transfer-Encoding: identity'],
  ['Content-Length: ALL', 'Transfer-Encoding : chunked'],
  ['Content-Length: ALL', 'Transfer-Encoding:\tchunked'],
  ['Content-Length: ALL', 'Transfer-Encoding: chunked, identity'],
  ['Content-Length: ALL', 'Transfer-Encoding: xchunked'],
  ['Content-Length: ALL', 'Transfer_Encoding: chunked'],
  ['Content-Length: ALL', 'X: y', ' Transfer-Encoding: chunked'],
  ['Content-Length: ALL', 'Transfer-Encoding: x', 'Transfer-Encoding: chunked'],
  ['Connection: Content-Length', 'Content-Length: ALL'],
  ['Connection: Transfer-Encoding', 'Transfer-Encoding: chunked'],
  ['Connection: Upgrade', 'Upgrade: websocket', 'Content-Length: ALL'],
  ['Connection: Upgrade', 'Upgrade: websocket', 'Transfer-Encoding: chunked'],
]

/**
 * Speaks HTTP/2 in a connection upgraded from HTTP/1.1, as another user. @returns whether the request
 * arrived.
 */
async function smuggles(
  rig: Rig,
  { socket }: Awaited<ReturnType<Rig['open']>>,
  path: string,
): Promise<boolean> {
  // A server that speaks HTTP/2 answers the preface, and then the request is sent: no answer, no request. A
  // slower server would not be noticed, but the test cannot fail for slowness.
  socket.setTimeout(500, () => socket.destroy())
  await rig.askHttp2({ ':path': path, 'x-user-id': 'forged!' }, { inside: socket })
  return (await rig.applicationSaw(path)) > 0
}

export const tunnels: Contract = {
  'a WebSocket opens for signed-in users only': async (t, rig) => {
    const { id, laptop } = await rig.signIn()
    const headers = rig.cookie(laptop.token)
    for (const upgrade of ['websocket', 'WebSocket']) {
      const open = await rig.upgrade('/socket', { ...headers, upgrade, 'x-user-id': 'forged!' })
      t.equal(open.status, 101)
      t.match(open.message.toLowerCase(), `x-user-id: ${id}`)
      t.notMatch(open.message, 'forged!')
    }
    t.equal((await rig.upgrade('/socket/refused', { upgrade: 'websocket' })).status, 401)
    t.notOk(await rig.applicationSaw('/socket/refused'))
  },

  'no other protocol passes, for any order and any list of Upgrade headers': async (t, rig) => {
    const { laptop } = await rig.signIn()
    const cookie = `Cookie: ${rig.localService.cookieName}=${laptop.token}`
    for (const [at, upgrades] of UPGRADES.entries()) {
      const asked = upgrades.join(' | ')
      const opened = await rig.open([
        `GET /tunnel/${at} HTTP/1.1`,
        'Host: a',
        cookie,
        'Connection: Upgrade, HTTP2-Settings',
        ...upgrades.map((protocol) => `Upgrade: ${protocol}`),
        ...HANDSHAKE,
      ])
      if (opened.status === 101) {
        t.match(opened.head, /^upgrade: websocket\r$/im, asked)
        t.notOk(await smuggles(rig, opened, `/smuggled/${at}`), `${asked}: no unchecked request arrives`)
      } else t.equal(opened.status, 200, `${asked} is answered as if it had not been asked for`)
      opened.socket.destroy()
    }
  },

  'an upgrade that the application refuses opens no tunnel: the next request is checked': async (t, rig) => {
    const { laptop } = await rig.signIn()
    const { head, socket } = await rig.open([
      'GET /status/426 HTTP/1.1',
      'Host: a',
      `Cookie: ${rig.localService.cookieName}=${laptop.token}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      ...HANDSHAKE,
      '',
      'GET /after-426 HTTP/1.1',
      'Host: a',
      'X-User-ID: forged!',
    ])
    t.match(head, 'HTTP/1.1 426')
    t.notOk(await rig.applicationSaw('/after-426'))
    socket.destroy()
  },

  'no body framing smuggles a second request': async (t, rig) => {
    const { laptop } = await rig.signIn()
    const hidden = 'GET /hidden HTTP/1.1\r\nHost: a\r\nX-User-ID: forged!\r\n\r\n'
    const inChunks = `0\r\n\r\n${hidden}`
    for (const framing of FRAMINGS) {
      const { socket } = await rig.open([
        'POST /framed HTTP/1.1',
        'Host: a',
        `Cookie: ${rig.localService.cookieName}=${laptop.token}`,
        ...framing.map((header) => header.replace('ALL', String(inChunks.length))),
        '',
        inChunks,
      ])
      t.notOk(await rig.applicationSaw('/hidden'), framing.join(' | '))
      socket.destroy()
    }
  },

  'CONNECT opens no tunnel': async (t, rig) => {
    const { laptop } = await rig.signIn()
    const { status, socket } = await rig.open([
      'CONNECT a:80 HTTP/1.1',
      'Host: a:80',
      `Cookie: ${rig.localService.cookieName}=${laptop.token}`,
      '',
      'GET /connected HTTP/1.1',
      'Host: a',
      'X-User-ID: forged!',
    ])
    t.ok(status >= 400 && status < 500, `${status}`)
    t.notOk(await rig.applicationSaw('CONNECT '))
    t.notOk(await rig.applicationSaw('/connected'))
    socket.destroy()
  },

  'HTTP/2 without TLS and without negotiation is refused or checked': async (t, rig) => {
    const { status } = await rig.askHttp2({ ':path': '/prior', 'x-user-id': 'forged!' })
    t.ok(status === undefined || status === 401, `${status}`)
    t.notOk(await rig.applicationSaw('/prior'))
  },
}
