/** What the routes of the console share: who looks, what they sent, and how pages and problems are answered. */
import type { SafeHtml } from '@remix-run/html-template'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import { withDeadline } from '../database/database.ts'
import { Problem } from '../errors.ts'
import { type CookieSettings, requireTokenForChange } from '../sessions/guards.ts'
import type { Viewer } from './views/frame.ts'
import type { FormErrors } from './views/parts.ts'

/** Lets those pass who may end sessions, before the body is read; `requireStaff.write` looks at the rest afterwards. */
export async function requireSecurityRole({ staff }: FastifyRequest): Promise<void> {
  if (staff.role !== 'security') throw new Problem('read_only', 'This needs the role "security".')
}

/**
 * Hooks for forms. Where one comes from is proven before its body is read: a page that offers to send the same again, as
 * when the database did not answer, must not hold what another site filled in.
 */
export function formHooks(cookieSettings: CookieSettings) {
  const ours = async (request: FastifyRequest) => void requireTokenForChange(request, cookieSettings)
  return { onRequest: [ours, requireSecurityRole] }
}

/** Hooks for forms that change something. A long form takes time to arrive, which is not taken from that of the queries. */
export function changeHooks(
  { requireStaff }: Pick<FastifyInstance, 'requireStaff'>,
  cookieSettings: CookieSettings,
) {
  const afresh = (_request: FastifyRequest, _reply: FastifyReply, done: () => void) => withDeadline(done)
  return { ...formHooks(cookieSettings), preHandler: [afresh, requireStaff.write] }
}

export function viewerOf({ session: { session, user }, staff: { role } }: FastifyRequest): Viewer {
  return { session, user, role }
}

export function send(reply: FastifyReply, page: SafeHtml): FastifyReply {
  return reply.type('text/html; charset=utf-8').send(String(page))
}

/** What is wrong, by field; the first of each. What is wrong with the whole is `whole`'s. */
export function formErrors({ issues }: z.ZodError, whole = 'form'): FormErrors {
  const all = issues.map(({ path, message }) => [String(path[0] ?? whole), message] as const)
  return Object.fromEntries(all.toReversed())
}

/** The texts among the fields of a form that was sent. */
export function entered(body: unknown): Record<string, string> {
  const pairs = Object.entries((body ?? {}) as Record<string, unknown>)
  return Object.fromEntries(pairs.filter((pair): pair is [string, string] => typeof pair[1] === 'string'))
}

/** `2026-11-24T13:00` or with seconds, as `datetime-local` has it, taken for UTC; null for anything else. */
export function parseUtcInstant(text: string): Date | null {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?$/.test(text)) return null
  const date = new Date(`${text}Z`)
  return Number.isNaN(date.getTime()) || date.getUTCFullYear() < 1900 ? null : date
}
