/** Who is signed in from an address, or with a program: for security staff, without a plan. */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { callers } from '../../http/openapi/document.ts'
import { cursor, nextCursor, nullableText } from '../../http/schemas.ts'
import type { PlaceOf, Places } from '../../sessions/places.ts'
import { activeSession, toActiveSession } from '../../sessions/schemas.ts'
import { READ_PROBLEMS } from '../guard.ts'
import type { Incidents } from './incidents.ts'
import { type Selection, schemaOf } from './selector-values.ts'
import type { SignedInPage } from './signed-in.ts'

/** The parts of a selection that a query can name. */
export const signedInQuery = z.strictObject({
  ip: z.exactOptional(schemaOf('ipRange')).describe('an address or a CIDR range'),
  userAgent: z.exactOptional(schemaOf('userAgent')).describe('a part of the user agent, in any case'),
  emailDomain: z.exactOptional(schemaOf('emailDomain')),
  createdAfter: z.exactOptional(schemaOf('createdAfter')),
  createdBefore: z.exactOptional(schemaOf('createdBefore')),
})

export const selectionOfQuery = ({ ip, ...rest }: z.output<typeof signedInQuery>): Selection =>
  ({ ...rest, ...(ip !== undefined && { ipRange: ip }) }) as Selection

const signedIn = z.object({
  sessions: z.array(
    z.object({
      user: z.object({ id: z.string(), name: nullableText, email: nullableText }),
      ...activeSession,
    }),
  ),
  next: nextCursor,
})

/** As JSON, the same in the API and on the command line. */
export function toSignedIn({ sessions, next }: SignedInPage, placeOf: PlaceOf): z.input<typeof signedIn> {
  return {
    sessions: sessions.map(({ session, name, email }) => ({
      user: { id: session.userId, name, email },
      ...toActiveSession(session, placeOf),
    })),
    next,
  }
}

export interface SignedInApi {
  incidents: Pick<Incidents, 'signedIn'>
  places: Places
}

async function routes(instance: FastifyInstance, { incidents, places }: SignedInApi) {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  app.get(
    '/api/admin/sessions',
    {
      onRequest: app.requireStaff.read,
      schema: {
        tags: ['staff'],
        security: callers.staff,
        operationId: 'listSignedIn',
        summary: 'Active sessions from an address, with a program, of a domain or a time',
        description:
          'The latest sign-in first. At least one part is required; all given ones have to match. ' +
          'Where a replica answers (DATABASE_READ_URL), the header `X-Data-As-Of` says up to when its data is complete.',
        problems: READ_PROBLEMS,
        querystring: signedInQuery
          .extend({ cursor: cursor.optional() })
          .refine(({ cursor: _, ...parts }) => Object.keys(parts).length > 0, 'must have at least one part'),
        response: { 200: signedIn.describe('At most 100.') },
      },
    },
    async ({ query: { cursor = null, ...parts } }) =>
      toSignedIn(await incidents.signedIn(selectionOfQuery(parts), cursor), await places.finder()),
  )
}

export const signedInApi = fp(routes, {
  name: 'signed-in-api',
  dependencies: ['staff-guard'],
  encapsulate: true,
})
