/**
 * One turn of one participant: start it, check its answers, warm it up, load it, check again, stop it. Only
 * one server runs at a time, so that no other affects the figures.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hashToken } from '../src/database/token-hash.ts'
import type { Load } from './generator.ts'
import { load } from './load.ts'
import { type Answer, type Participant, participants } from './participants.ts'
import type { Postgres } from './postgres.ts'
import { type Server, startServer } from './processes.ts'
import { seed } from './seed.ts'
import { spread, tokenOf, userIdOf } from './seeded.ts'
import { cpuOf, cpuOfPostgres, memoryOf } from './usage.ts'

/** This many sessions are in use, spread over all that are stored. */
const IN_USE = 10_000
const CONNECTIONS = 32

export interface Sample extends Load {
  /** µs of CPU for each request. */
  serverCpu: number
  postgresCpu: number
  /** Bytes that the server holds after the load. */
  memory: number
}

export interface Turn {
  name: string
  /** How many sessions are stored. */
  sessions: number
  seconds: number
  /** Another load than that of 32 connections without pauses. */
  pace?: { connections: number; pauseMs?: number }
  /** Settings of the server besides its own. */
  env?: Record<string, string>
}

export type Measure = ReturnType<typeof measurer>

export function measurer(postgres: Postgres) {
  const folder = mkdtemp(join(tmpdir(), 'global-logout-bench-'))
  const cookieFiles = new Map<string, Promise<string>>()

  async function serving<T>(turn: Turn, work: (server: Server) => Promise<T>): Promise<T> {
    const server = await serve(postgres, turn.name, turn.sessions, turn.env)
    try {
      await verify(server, turn)
      const result = await work(server)
      await verify(server, turn)
      return result
    } catch (error) {
      throw new Error(`${turn.name}: ${(error as Error).message}`, { cause: error })
    } finally {
      await server.stop()
    }
  }

  function cookieFile(server: Server, { name, sessions }: Turn): Promise<string> {
    const key = `${name}-${sessions}`
    const existing = cookieFiles.get(key)
    if (existing) return existing
    const made = folder.then(async (path) => {
      const file = join(path, key)
      const cookies = await cookiesFor(server, participantOf(name), spread(sessions, IN_USE))
      await writeFile(file, `${cookies.join('\n')}\n`)
      return file
    })
    cookieFiles.set(key, made)
    return made
  }

  return {
    /** Starts it once and checks its answers, to find a wrong setup before an hour of measuring. */
    rehearse: (turn: Turn) => serving(turn, async () => {}),

    /** Reads every session in use once, because a cold page costs more than a check. */
    warm: async ({ sessions }: Turn): Promise<void> => {
      const tokens = spread(sessions, IN_USE).map((n) => hashToken(tokenOf(n)))
      await postgres.connected(await seed(postgres, 'service', sessions), (client) =>
        client.query('select from session where "sessionToken" = any ($1)', [tokens]),
      )
    },

    measure: (turn: Turn): Promise<Sample> =>
      serving(turn, async (server) => {
        const options = {
          url: server.base + participantOf(turn.name).path,
          cookieFile: await cookieFile(server, turn),
          connections: turn.pace?.connections ?? CONNECTIONS,
          ...(turn.pace?.pauseMs && { pauseMs: turn.pace.pauseMs }),
        }
        await load({ ...options, seconds: Math.max(1, Math.round(turn.seconds / 2)) })
        const before = [await cpuOf(server.pid), await cpuOfPostgres(postgres.pid)] as const
        const result = await load({ ...options, seconds: turn.seconds })
        const after = [await cpuOf(server.pid), await cpuOfPostgres(postgres.pid)] as const
        return {
          ...result,
          serverCpu: (after[0] - before[0]) / result.requests,
          postgresCpu: (after[1] - before[1]) / result.requests,
          memory: await memoryOf(server.pid),
        }
      }),

    close: async () => rm(await folder, { recursive: true, force: true }),
  }
}

/** Starts a participant on a database with this many sessions, or on the named database. */
export async function serve(
  postgres: Postgres,
  name: string,
  on: number | string,
  env: Record<string, string> = {},
): Promise<Server> {
  const { store, server } = participantOf(name)
  const database = store && (typeof on === 'number' ? await seed(postgres, store, on) : on)
  return startServer(new URL(server.script, import.meta.url), server.args ?? [], {
    ...server.env,
    ...env,
    ...(database && { DATABASE_URL: postgres.urlOf(database) }),
  })
}

export function participantOf(name: string): Participant {
  const found = participants[name]
  if (!found) throw new Error(`There is no participant ${name}.`)
  return found
}

/** @throws Error unless valid tokens name their users, and an unknown token names none. */
async function verify(server: Server, { name, sessions }: Turn): Promise<void> {
  const participant = participantOf(name)
  for (const n of spread(sessions, 3)) {
    const user = participant.userIn(await ask(server, participant, participant.cookie(tokenOf(n))))
    const right = participant.kind === 'limit' ? user !== null : user === userIdOf(n)
    if (!right) throw new Error(`answered ${user} for a session of ${userIdOf(n)}`)
  }
  // The limit does not distinguish tokens.
  const strange = participant.kind === 'limit' ? 'another=1' : participant.cookie(tokenOf('unknown'))
  const user = participant.userIn(await ask(server, participant, strange))
  if (user !== null) throw new Error(`answered ${user} for an unknown token`)
}

async function cookiesFor(server: Server, participant: Participant, ns: number[]): Promise<string[]> {
  const cookies = ns.map((n) => participant.cookie(tokenOf(n)))
  const { keeps } = participant
  if (!keeps) return cookies
  const both: string[] = []
  for (let i = 0; i < cookies.length; i += CONNECTIONS) {
    const some = cookies.slice(i, i + CONNECTIONS)
    both.push(...(await Promise.all(some.map((cookie) => withKept(server, participant, cookie, keeps)))))
  }
  return both
}

async function withKept(server: Server, participant: Participant, cookie: string, name: string) {
  const { headers } = await ask(server, participant, cookie)
  const kept = headers.getSetCookie().find((text) => text.startsWith(`${name}=`))
  if (!kept) throw new Error(`its answer sets no cookie ${name}`)
  return `${cookie}; ${kept.split(';')[0]}`
}

async function ask({ base }: Server, { path }: Participant, cookie: string): Promise<Answer> {
  const response = await fetch(base + path, { headers: { cookie } })
  return { status: response.status, headers: response.headers, body: await response.text() }
}
