/** Who may ask: guards of routes, as decorators of the app. Each puts what it found on the request, before the body is read. */
import fastifyRateLimit from '@fastify/rate-limit'
import fp from 'fastify-plugin'
import type { Config } from '../config.ts'
import type { Keys } from '../security/keys.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { Database } from '../storage/database.ts'
import { createRequireKey, type RequireKey } from './service-key.ts'
import { createRequireSession, type RequireSession, type Visitor } from './session.ts'
import { createRequireStaff, type RequireStaff } from './staff.ts'

declare module 'fastify' {
  interface FastifyInstance {
    requireSession: RequireSession
    requireKey: RequireKey
    requireStaff: RequireStaff
  }
}

export interface Guards {
  config: Pick<Config, 'staffMaxAuthAgeSeconds'>
  database: Pick<Database, 'run'>
  sessions: Sessions
  keys: Keys
  visitor: Visitor
}

export const guards = fp<Guards>(
  async (app, { config, database, sessions, keys, visitor }) => {
    await app.register(fastifyRateLimit, { global: false })
    app.decorateRequest('session')
    app.decorateRequest('serviceKey')
    app.decorateRequest('staff')
    const requireKey = createRequireKey(app, keys)
    app.decorate('requireKey', requireKey)
    app.decorate('requireSession', createRequireSession(sessions, visitor))
    const { staffMaxAuthAgeSeconds: maxAuthAgeSeconds } = config
    app.decorate(
      'requireStaff',
      createRequireStaff({ sessions, database, visitor, requireKey, maxAuthAgeSeconds }),
    )
  },
  { name: 'guards', dependencies: ['error-handlers'] },
)
