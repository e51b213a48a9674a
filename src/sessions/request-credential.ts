/**
 * Reads the credential of every request before its route, as `request.credential`. Of several session cookies it is the first whose
 * session is valid, where their names are equally strict; else the first.
 */
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Credential } from './credentials.ts'
import type { CookieSettings } from './guards.ts'
import type { Sessions } from './sessions.ts'

declare module 'fastify' {
  interface FastifyRequest {
    credential: Credential
  }
}

const NONE: Credential = { kind: 'none' }

export const requestCredential = fp<{ cookieSettings: Pick<CookieSettings, 'readCredential'> }>(
  async (app, { cookieSettings: { readCredential } }) => {
    const read = new WeakMap<object, Credential>()
    app.decorateRequest('credential', {
      getter() {
        // An earlier hook has failed.
        return read.get(this.raw) ?? NONE
      },
      setter(credential) {
        read.set(this.raw, credential)
      },
    })
    app.addHook('onRequest', (request, _reply, done) => {
      const credential = readCredential(request.headers)
      const set = (credential: Credential) => {
        read.set(request.raw, credential)
        done()
      }
      if (credential instanceof Promise) credential.then(set, done)
      else set(credential)
    })
  },
  { name: 'request-credential', dependencies: ['requests'] },
)

/** A hook for routes that read the database. @throws Problem `unavailable`. */
export function createCredentialChoice({
  sessions,
  cookieSettings: { readOthers },
}: {
  sessions: Pick<Sessions, 'peek'>
  cookieSettings: Pick<CookieSettings, 'readOthers'>
}) {
  return async (request: FastifyRequest): Promise<void> => {
    const { headers, credential } = request
    const others = (await readOthers(headers, credential)).filter(({ mayDecide }) => mayDecide)
    if (others.length === 0) return
    if (credential.kind === 'token' && (await sessions.peek(credential.token))) return
    for (const { token } of others) {
      if (!(await sessions.peek(token))) continue
      request.credential = { kind: 'token', token, via: 'cookie' }
      return
    }
  }
}
