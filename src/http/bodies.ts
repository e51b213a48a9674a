/** Parses request bodies. An empty body counts as no body, whatever its type; a type that no route reads is refused. */
import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Problem } from '../errors.ts'

/** Adds JSON for every route of `app`; nested scopes may add other types. */
export function addBodyParsers(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (/^\s*$/.test(body)) done(null, undefined)
    else void parseJson(request, body, done)
  })
  app.addContentTypeParser('*', ({ is404 }: FastifyRequest, payload: IncomingMessage) =>
    is404 ? discard(payload) : refuseUnlessEmpty(payload),
  )
  app.addHook('onRequest', async (request) => removeInvalidType(request))
}

/** For routes without input in the body: any body is discarded unread. */
export function ignoreBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request: FastifyRequest, payload: IncomingMessage) => discard(payload))
}

async function discard(payload: IncomingMessage): Promise<void> {
  payload.resume()
}

/** Refuses the body at its first byte. @throws Problem `unsupported_media_type`. */
function refuseUnlessEmpty(payload: IncomingMessage): Promise<void> {
  return new Promise((done, fail) => {
    const why = 'Send one of the content types that the API documentation lists for this path.'
    payload.once('data', () => fail(new Problem('unsupported_media_type', why)))
    payload.once('end', done).once('error', fail)
  })
}

/** Fastify refuses an invalid media type before any parser runs. Without a type, the body itself decides. */
function removeInvalidType(request: FastifyRequest): void {
  if (request.mediaType === undefined) delete request.raw.headers['content-type']
}
