/**
 * Starts a gateway from its example: the files of `examples/gateways` with other ports, by the command of its README.
 */
import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { chmod, cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { within } from '../../support/within.ts'

export const examples = fileURLToPath(new URL('../../../examples/gateways', import.meta.url))
/** The gateways that run in tests, by the name of their folder and command. */
export const GATEWAYS = ['nginx', 'caddy', 'haproxy'] as const
export type GatewayName = (typeof GATEWAYS)[number]

/** Debian installs servers outside an ordinary user's PATH. */
const PATH = [dirname(process.execPath), process.env.PATH, '/usr/sbin', '/usr/local/sbin'].join(delimiter)

export interface Ports {
  service: number
  application: number
  gateway: number
}

/** A test of one gateway. Without it on the machine the test is skipped; where CI is set, it fails. */
export function gatewayTest(name: GatewayName, title: string, run: (t: Test) => Promise<void>): void {
  const found = PATH.split(delimiter).some((folder) => isExecutable(join(folder, name)))
  const missing = `no ${name} here: install it (Debian: apt-get install ${name})`
  if (!found && process.env.CI) throw new Error(missing)
  void t.test(title, { skip: found ? false : missing }, run)
}

/** The shell blocks of an example's README: start the service, start the gateway, try it. */
export async function shellBlocks(name: string): Promise<string[]> {
  const readme = await readFile(join(examples, name, 'README.md'), 'utf8')
  return [...readme.matchAll(/```sh\n(.*?)```/gs)].map(([, commands = '']) => commands)
}

/** The text of an example with the test's ports. */
export function withPorts(text: string, { service, application, gateway }: Ports): string {
  const ports: Record<string, number> = { 4000: service, 3000: application, 8080: gateway }
  return text.replace(/\b(4000|3000|8080)\b/g, (port) => String(ports[port]))
}

/**
 * Starts gateway and application; both end with the test. @returns their output so far, by stream, and their
 * addresses.
 * @param edit changes the files, for a test of one line of them.
 */
export async function startExample(
  t: Test,
  name: GatewayName,
  ports: Ports,
  edit: (text: string) => string = (text) => text,
) {
  const folder = await mkdtemp(join(tmpdir(), `global-logout-${name}-`))
  // If root starts it, nginx works as another user, who needs access.
  await chmod(folder, 0o755)
  const copy = join(folder, 'examples', 'gateways')
  await cp(examples, copy, { recursive: true })
  for (const file of await readdir(copy, { recursive: true, withFileTypes: true })) {
    const path = join(file.parentPath, file.name)
    if (file.isFile()) await writeFile(path, edit(withPorts(await readFile(path, 'utf8'), ports)))
  }
  const [, command = ''] = await shellBlocks(name)
  // It has its own process group, which ends as a whole when the gateway ends, and when its standard input
  // closes, however this process ends.
  const script = `{ ${command}\n kill -KILL 0; } & read -r; kill -KILL 0`
  const child = spawn('bash', ['-c', script], {
    cwd: folder,
    detached: true,
    env: { PATH, HOME: folder },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const printed = {
    stdout: '',
    stderr: '',
    folder,
    /**
     * Resolves once the application has printed `text`; fails if gateway or application has ended, or cannot
     * listen.
     */
    until: async (text: string) => {
      while (!printed.stdout.includes(text)) await turn()
    },
  }
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      printed[stream] += text
    })
  const closed = new Promise((done) => child.on('close', done))
  t.teardown(async () => {
    child.stdin.end()
    await within(`end of ${name}`, closed)
    await rm(folder, { recursive: true, force: true })
  })
  /** Notices an application that ended by itself, because the shell does not wait for it. */
  async function turn() {
    if (child.signalCode || /address already in use/i.test(printed.stderr))
      throw new Error(`${name} or its application ended:\n${printed.stderr}`)
    await new Promise((turn) => setTimeout(turn, 5))
  }
  const listens = async () => {
    while (!(await accepts(ports.gateway))) await turn()
  }
  await within(`start of ${name}`, listens())
  await within('start of the application', printed.until('Application on'))
  return printed
}

/** Whether a server listens on a port. */
async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  const accepted = await new Promise<boolean>((done) => {
    socket.on('connect', () => done(true)).on('error', () => done(false))
  })
  socket.destroy()
  return accepted
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
