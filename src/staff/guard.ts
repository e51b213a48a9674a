/**
 * Access control for staff: a service with a key of scope `security`, or a signed-in user with a role. Checked before any
 * look-up, so that the answer tells no other caller which users exist.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../config.ts'
import type { Database } from '../database/database.ts'
import { Problem } from '../errors.ts'
import { assertSameOrigin } from '../http/csrf.ts'
import { KEY_PROBLEMS } from '../service-api/guard.ts'
import { bearerOf } from '../sessions/credentials.ts'
import { type CookieSettings, requireToken, sourceOf } from '../sessions/guards.ts'
import type { StaffRole } from './role-names.ts'
import { findRoleOf } from './roles.ts'

declare module 'fastify' {
  interface FastifyInstance {
    requireStaff: RequireStaff
  }
  interface FastifyRequest {
    /** Set by the hooks of `app.requireStaff`. */
    staff: Staff
  }
}

/** The caller, as the columns of an operation. */
interface Staff {
  actorKind: 'staff' | 'service'
  actorId: string
  actorSessionId: string | null
  role: StaffRole
  /** Until when the sign-in is recent enough to act; null for a role that only reads, an old sign-in, and a service key. */
  mayActUntil: Date | null
}

export interface StaffGuard {
  config: Pick<Config, 'staffMaxAuthAgeSeconds'>
  database: Pick<Database, 'run'>
  cookieSettings: CookieSettings
}

/** Error codes of staff routes that only read, and of those that change something. */
export const READ_PROBLEMS = [
  ...KEY_PROBLEMS,
  'unauthenticated',
  'invalid_token',
  'not_staff',
  'unavailable',
] as const
export const WRITE_PROBLEMS = [
  ...READ_PROBLEMS,
  'read_only',
  'sign_in_again',
  'cross_origin',
  'outcome_unknown',
] as const

/**
 * Hooks for routes. `read`: any staff role. `write`: role `security`, same origin, sign-in younger than `STAFF_MAX_AUTH_AGE`.
 * @throws Problem `not_staff`, `read_only`, `sign_in_again` or `cross_origin`, besides those of a missing session or key.
 */
function createRequireStaff(
  app: FastifyInstance,
  { config: { staffMaxAuthAgeSeconds }, database, cookieSettings }: StaffGuard,
) {
  const withKey = app.requireKey('security')

  async function identify(request: FastifyRequest): Promise<Staff> {
    if (/^glk_/i.test(bearerOf(request.headers) ?? '')) {
      await withKey(request)
      const { id: actorId } = request.serviceKey
      return { actorKind: 'service', actorId, actorSessionId: null, role: 'security', mayActUntil: null }
    }
    await app.requireSession(request)
    const { session, user } = request.session
    const role = await database.run((db) => findRoleOf(db, session))
    if (!role) throw new Problem('not_staff', 'Ask for the role "security" or "auditor".')
    const seconds = staffMaxAuthAgeSeconds - (request.session.authAgeSeconds ?? 0)
    const mayAct = role === 'security' && hasSignedInWithin(staffMaxAuthAgeSeconds, request)
    return {
      actorKind: 'staff',
      actorId: user.id,
      actorSessionId: session.id,
      role,
      mayActUntil: mayAct ? new Date(Date.now() + seconds * 1_000) : null,
    }
  }

  return {
    read: async (request: FastifyRequest) => {
      request.staff = await identify(request)
    },
    write: async (request: FastifyRequest) => {
      const staff = await identify(request)
      request.staff = staff
      if (staff.actorKind === 'service') return
      if (requireToken(request, cookieSettings).via === 'cookie')
        assertSameOrigin(request.headers, cookieSettings.publicOrigin)
      await requireSecurityRole(request)
      if (!hasSignedInWithin(staffMaxAuthAgeSeconds, request))
        throw new Problem('sign_in_again', signInAgainHint(request))
    },
  }
}

/** Requires the role `security`. A form's hook, before the body is read; part of `requireStaff.write`. */
export async function requireSecurityRole({ staff }: Pick<FastifyRequest, 'staff'>): Promise<void> {
  if (staff.role !== 'security') throw new Problem('read_only', 'This needs the role "security".')
}

/**
 * Whether the caller signed in within `seconds`, by the database's clock. A sign-in in the future does not count: the clock
 * was set back, or the date is forged.
 */
export function hasSignedInWithin(seconds: number, { session }: Pick<FastifyRequest, 'session'>): boolean {
  const { authAgeSeconds: age } = session
  return age !== null && age >= 0 && age <= seconds
}

function signInAgainHint({ session }: Pick<FastifyRequest, 'session'>): string {
  return session.authAgeSeconds === null
    ? 'A service key made this session, which does not count as a sign-in. Use a key with the scope security, or the command line.'
    : 'Sign out, sign in again, and repeat the request.'
}

/** The caller and the origin of the request, as the columns of an operation. */
export function actorOf(request: FastifyRequest) {
  const { actorKind, actorId, actorSessionId } = request.staff
  return { actorKind, actorId, actorSessionId, ...sourceOf(request) }
}

type RequireStaff = ReturnType<typeof createRequireStaff>

/** Decorates the app with `requireStaff.read` and `requireStaff.write`, hooks for routes. */
export const staffGuard = fp<StaffGuard>(
  async (app, options) => {
    app.decorateRequest('staff')
    app.decorate('requireStaff', createRequireStaff(app, options))
  },
  { name: 'staff-guard', dependencies: ['error-handlers', 'session-guard', 'key-guard'] },
)
