/** Plugin for Fastify 5: routes in the scope where it is registered run only with an active session. */
import { type AdmissionOptions, admit, stripIdentity } from './admission.ts'
import type { Client } from './client.ts'
import type { Identity } from './sessions.ts'

/** The parts of Fastify that are used, so that its types are not needed. */
interface App {
  hasRequestDecorator(name: 'identity'): boolean
  decorateRequest(name: 'identity', value: null): unknown
  addHook(name: 'onRequest', hook: (request: Request, reply: Reply) => Promise<unknown>): unknown
}
interface Request {
  raw: { headers: Record<string, string | string[] | undefined> }
  /** As configured by `trustProxy`. */
  ip: string
}
interface Reply {
  code(status: number): Reply
  header(name: 'set-cookie', lines: string[]): Reply
  headers(headers: Record<string, string>): Reply
  send(body: string): Reply
}

/**
 * A plugin: `app.register(fastifySession(client))`. Sets `request.identity`; answers 401 or 503 instead of the route.
 * Applies to its scope and nested scopes. A nested scope may register it again with other options; then each instance checks.
 * Removes `X-User-ID` and `X-Session-ID` that the client sent.
 */
export function fastifySession(client: Pick<Client, 'verdict'>, options: AdmissionOptions = {}) {
  async function plugin(app: App): Promise<void> {
    // An outer scope may have registered the plugin already.
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
  // As fastify-plugin does: adds the hook to the registering scope instead of a new one.
  return Object.assign(plugin, {
    [Symbol.for('skip-override')]: true,
    [Symbol.for('fastify.display-name')]: 'global-logout',
  })
}
