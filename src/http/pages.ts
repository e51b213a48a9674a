/** Sends a page in the language of its reader, and gives every request the view to render it. */
import type { SafeHtml } from '@remix-run/html-template'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Site } from '../ui/site.ts'
import { type PageView, viewFor } from '../ui/view.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The language of the reader, by `Accept-Language`, and the look of the pages. */
    view: PageView
  }
}

export function addView(app: FastifyInstance, site: Site): void {
  app.decorateRequest('view', {
    getter() {
      return { ...viewFor(this.headers['accept-language']), site }
    },
  })
}

export function sendPage(reply: FastifyReply, page: SafeHtml): FastifyReply {
  return reply.type('text/html; charset=utf-8').header('vary', 'accept-language').send(String(page))
}
