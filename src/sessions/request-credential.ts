/** Reads the credential of every request before its route, as `request.credential`. */
import fp from 'fastify-plugin'
import type { Credential } from './credentials.ts'
import type { CookieSettings } from './guards.ts'

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
