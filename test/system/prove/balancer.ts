/**
 * A load balancer in front of the instances, in a process of its own, because the prover is busy: each request goes to the next instance,
 * whichever it is. It answers 502 for one that is down, as balancers do until they notice.
 *
 *     node balancer.ts URL…
 */
import { fork } from 'node:child_process'
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { argv } from 'node:process'
import { fileURLToPath } from 'node:url'
import { listen } from '../../support/ports.ts'
import { nextEvent } from '../../support/within.ts'
import { kill, onExit } from './leftovers.ts'

const program = fileURLToPath(import.meta.url)

export async function startBalancer(targets: readonly { url: string }[]) {
  const child = fork(
    program,
    targets.map(({ url }) => url),
    { execArgv: [] },
  )
  const forget = onExit(() => kill(child.pid))
  const [port] = (await nextEvent('the load balancer', child, 'message')) as [number]
  return {
    port,
    close(): void {
      kill(child.pid)
      forget()
    },
  }
}

async function serve(targets: readonly string[]): Promise<void> {
  const agent = new Agent({ keepAlive: true })
  let turn = 0
  function pass(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { method, headers, url = '/' } = incoming
    const target = new URL(url, targets[turn++ % targets.length])
    const passed = request(target, { agent, method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.on('error', () => outgoing.destroy()).pipe(outgoing)
    })
    passed.on('error', () => (outgoing.headersSent ? outgoing.destroy() : outgoing.writeHead(502).end()))
    outgoing.on('close', () => passed.destroy())
    incoming.on('error', () => passed.destroy()).pipe(passed)
  }
  process.send?.(await listen(createServer(pass)))
}

if (argv[1] === program) await serve(argv.slice(2))
