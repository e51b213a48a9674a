/** A TCP proxy that can reset, cut or hold connections. */
import { connect, createServer, type Socket } from 'node:net'
import t from 'tap'
import { listen } from './ports.ts'
import { nextEvent } from './within.ts'

/** Starts a proxy to `target`, a URL; closed when the test file ends. */
export async function startTcpProxy(target: string) {
  let { port, hostname } = new URL(target)
  const open = new Set<Socket>()
  let resets = 0
  let held = false
  const counts = { connections: 0, requests: 0 }

  const server = createServer((client) => {
    counts.connections++
    const upstream = connect(Number(port), hostname)
    const pair = [client, upstream]
    for (const socket of pair) {
      open.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        open.delete(socket)
        for (const other of pair) other.destroy()
      })
    }
    client.on('data', (chunk) => {
      counts.requests++
      if (resets > 0) {
        resets--
        client.resetAndDestroy()
      } else if (!held) upstream.write(chunk)
    })
    upstream.on('data', (chunk) => void (held || client.write(chunk)))
  })
  const own = await listen(server)
  const cut = () => {
    for (const socket of open) socket.destroy()
  }
  t.teardown(async () => {
    server.close()
    cut()
    await nextEvent('the end of a proxy', server, 'close')
  })

  return {
    url: `http://127.0.0.1:${own}`,
    counts: counts as Readonly<typeof counts>,
    /** Later connections go to `target`, a URL. */
    leadTo(target: string): void {
      ;({ port, hostname } = new URL(target))
    },
    /** Resets the connection of each of the next `times` requests. */
    reset(times: number): void {
      resets = times
    },
    /** Ends every connection. */
    cut,
    /** While on, connections stay open and data from either side is dropped. */
    hold(on: boolean): void {
      held = on
    },
  }
}
