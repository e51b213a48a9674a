/** Bodies: an empty one is none, whatever type it claims; one of a type that no route reads is refused. */
import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Problem } from '../errors.ts'

/** JSON for every route of `app`; scopes inside may add other types. */
export function readBodies(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (/^\s*$/.test(body)) done(null, undefined)
    else void parseJson(request, body, done)
  })
  app.addContentTypeParser('*', ({ is404 }: FastifyRequest, payload: IncomingMessage) =>
    is404 ? ignore(payload) : refuseUnlessEmpty(payload),
  )
  app.addHook('onRequest', async (request) => forgetBrokenType(request))
}

/** For routes whose body says nothing: it is not read, whatever it is. */
export function ignoreBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request: FastifyRequest, payload: IncomingMessage) => ignore(payload))
}

async function ignore(payload: IncomingMessage): Promise<void> {
  payload.resume()
}

/** The first byte decides. @throws Problem `unsupported_media_type`. */
function refuseUnlessEmpty(payload: IncomingMessage): Promise<void> {
  return new Promise((done, fail) => {
    const why = 'Send a type that the documentation of this address names.'
    payload.once('data', () => fail(new Problem('unsupported_media_type', why)))
    payload.once('end', done).once('error', fail)
  })
}

/** Fastify refuses what is no media type before any parser is asked; without a type the body decides. */
function forgetBrokenType(request: FastifyRequest): void {
  if (request.mediaType === undefined) delete request.raw.headers['content-type']
}
