/** What the console's routes share: the viewer, form input and its errors, hooks, and sending a page. */
import type { SafeHtml } from '@remix-run/html-template'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import { withDeadline } from '../database/database.ts'
import { type CookieSettings, requireTokenForChange } from '../sessions/guards.ts'
import { requireSecurityRole } from './guard.ts'
import type { Viewer } from './views/frame.ts'
import type { FormErrors } from './views/parts.ts'

/**
 * Hooks for forms. The origin is checked before the body is read: a retry page shows the input again, and must never show
 * input from another site.
 */
export function formHooks(cookieSettings: CookieSettings) {
  const checkToken = async (request: FastifyRequest) => void requireTokenForChange(request, cookieSettings)
  return { onRequest: [checkToken, requireSecurityRole] }
}

/** Hooks for forms that change something. The deadline of the queries starts after the body has arrived. */
export function changeHooks(
  { requireStaff }: Pick<FastifyInstance, 'requireStaff'>,
  cookieSettings: CookieSettings,
) {
  const restartDeadline = (_request: FastifyRequest, _reply: FastifyReply, done: () => void) =>
    withDeadline(done)
  return { ...formHooks(cookieSettings), preHandler: [restartDeadline, requireStaff.write] }
}

export function viewerOf({ session: { session, user }, staff, view: { site } }: FastifyRequest): Viewer {
  const { role, mayActUntil } = staff
  return { session, user, role, mayActUntil, site }
}

export function send(reply: FastifyReply, page: SafeHtml): FastifyReply {
  return reply.type('text/html; charset=utf-8').send(String(page))
}

/** The first error of each field. Errors of the form as a whole get the name `whole`. */
export function formErrors({ issues }: z.ZodError, whole = 'form'): FormErrors {
  const all = issues.map(({ path, message }) => [String(path[0] ?? whole), message] as const)
  return Object.fromEntries(all.toReversed())
}

/** The text fields of a submitted form. */
export function entered(body: unknown): Record<string, string> {
  const pairs = Object.entries((body ?? {}) as Record<string, unknown>)
  return Object.fromEntries(pairs.filter((pair): pair is [string, string] => typeof pair[1] === 'string'))
}

/** Parses a `datetime-local` value (`2026-11-24T13:00`, optional seconds) as UTC; null for anything else. */
export function parseUtcInstant(text: string): Date | null {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?$/.test(text)) return null
  const date = new Date(`${text}Z`)
  return Number.isNaN(date.getTime()) || date.getUTCFullYear() < 1900 ? null : date
}
