/** For Fastify 5: no route of the scope it is registered in runs without a living session. */
import { type AdmissionOptions, admit, stripIdentity } from './admission.ts'
import type { Identity } from './check.ts'
import type { Client } from './client.ts'

/** What is used of Fastify, so that its types need not be installed. */
interface App {
  hasRequestDecorator(name: 'identity'): boolean
  decorateRequest(name: 'identity', value: null): unknown
  addHook(name: 'onRequest', hook: (request: Request, reply: Reply) => Promise<unknown>): unknown
}
interface Request {
  raw: { headers: Record<string, string | string[] | undefined> }
  /** By its `trustProxy`. */
  ip: string
}
interface Reply {
  code(status: number): Reply
  header(name: 'set-cookie', lines: string[]): Reply
  headers(headers: Record<string, string>): Reply
  send(body: string): Reply
}

/**
 * A plugin: `app.register(fastifySession(client))`. Sets `request.identity`; answers 401 or 503 in place of the route.
 * Holds for the scope it is registered in and those inside, which may register it again, with other options: each asks. `X-User-ID` and `X-Session-ID` of the client are removed.
 */
export function fastifySession(client: Pick<Client, 'verdict'>, options: AdmissionOptions = {}) {
  async function plugin(app: App): Promise<void> {
    // A scope around this one may have the plugin, too, with other options.
    if (!app.hasRequestDecorator('identity')) app.decorateRequest('identity', null)
    app.addHook('onRequest', async (request: Request & { identity?: Identity | null }, reply) => {
      stripIdentity(request.raw.headers)
      const { ip, raw } = request
      const admission = await admit(client, { headers: raw.headers, ip }, options)
      const { cookies } = admission
      if (cookies.length > 0) reply.header('set-cookie', [...cookies])
      if ('refusal' in admission) {
        const { status, headers, body } = admission.refusal
        return reply.code(status).headers(headers).send(body)
      }
      request.identity = admission.identity
    })
  }
  // What fastify-plugin does: the hook belongs to the scope that registers the plugin, not to one of its own.
  return Object.assign(plugin, {
    [Symbol.for('skip-override')]: true,
    [Symbol.for('fastify.display-name')]: 'global-logout',
  })
}
