/**
 * Runs the acts of an application: each is one call of a function of `migrations/0003_applications.sql`. An act either returns its
 * answer after the commit, or throws `ActError`, which says whether it may have happened.
 */
import type { Connection } from './connection.ts'
import { NotCommitted } from './pooler.ts'

/** Why there is no answer. */
export class ActError extends Error {
  /** Whether it is certain that nothing was changed. */
  readonly nothingDone: boolean
  /** The SQLSTATE, where PostgreSQL refused. */
  readonly state: string | undefined

  constructor(cause: unknown, nothingDone: boolean) {
    super('no answer from the database', { cause })
    this.name = 'ActError'
    this.nothingDone = nothingDone
    this.state = stateOf(cause)
  }

  /** PostgreSQL's own message, else that of the connection. */
  get reason(): string {
    let deepest = this.cause
    while (deepest instanceof Error && deepest.cause instanceof Error) deepest = deepest.cause
    return deepest instanceof Error ? deepest.message : String(deepest)
  }
}

export type Acts = ReturnType<typeof createActs>

/** @param timeoutMs limit of each call, in milliseconds. */
export function createActs(connection: Connection, schema: string, timeoutMs: number) {
  const call = (text: string) =>
    `select pg_catalog.to_jsonb(done)::text as answer from "${schema}".${text} done`

  const read = async <Answer>(text: string, values: (string | null)[]): Promise<Answer[]> => {
    try {
      return await inTime(timeoutMs, () => connection.ask<Answer>(call(text), values))
    } catch (error) {
      throw new ActError(error, true)
    }
  }

  return {
    /** Calls a function outside of a transaction. @throws ActError */
    read,

    /** Calls a function in a transaction of its own, and makes sure that it is committed. @throws ActError */
    async run<Answer>(text: string, values: (string | null)[]): Promise<Answer & { xid: string }> {
      let called = false
      try {
        const answer = await inTime(timeoutMs, (late) =>
          connection.transaction(async (ask) => {
            const [answer] = late() ? [] : await ask<Answer & { xid: string }>(call(text), values)
            // Rolls back: the caller was told that nothing was done.
            if (!answer || late()) throw new Error(`${text} came too late`)
            called = true
            return answer
          }),
        )
        if (connection.shared) await verifyCommit(answer.xid)
        return answer
      } catch (error) {
        throw new ActError(error, !called)
      }
    },

    /** Notifies the service of the revocations. */
    async notify(channel: string): Promise<void> {
      const text = `select pg_catalog.to_json(pg_catalog.pg_notify('${channel}'::text, $1::text)::text)::text as answer`
      await inTime(timeoutMs, () => connection.ask(text, ['']))
    },
  }

  /** Another part of the application may have rolled back on the same connection; a driver would not notice. */
  async function verifyCommit(xid: string): Promise<void> {
    const text = 'select pg_catalog.to_json(pg_catalog.pg_xact_status($1::xid8))::text as answer'
    const [status] = await inTime(timeoutMs, () => connection.ask<string>(text, [xid]))
    if (status !== 'committed') throw new NotCommitted('the act was not committed')
  }
}

/** The result within the limit. `late()` is true from then on: what runs in the background must not commit any more. */
export async function inTime<T>(timeoutMs: number, work: (late: () => boolean) => Promise<T>): Promise<T> {
  let over = false
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      over = true
      reject(new Error(`no answer within ${timeoutMs} ms`))
    }, timeoutMs)
  })
  try {
    return await Promise.race([work(() => over), limit])
  } finally {
    clearTimeout(timer)
  }
}

/** The SQLSTATE of an error or of what caused it: drizzle wraps the driver's. */
function stateOf(error: unknown): string | undefined {
  for (let each = error; each instanceof Error; each = each.cause) {
    const { code } = each as { code?: unknown }
    if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)) return code
  }
  return undefined
}
