/** Serves `/openapi.json`, the document of the API, and `/docs`, a page to read it and try it. */
import fastifySwagger from '@fastify/swagger'
import fastifySwaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { z } from 'zod'
import { callers, documentOptions, type RawPaths } from './document.ts'

/** Register it before the routes: it documents only routes that are registered later. */
export const openapi = fp(routes, { name: 'openapi' })

export interface OpenApi {
  /** The session cookie that this service sets. */
  cookies: { session: { name: string } }
  raw: RawPaths
  site: { basePath: string }
}

async function routes(app: FastifyInstance, { cookies, raw, site }: OpenApi) {
  await app.register(fastifySwagger, documentOptions(cookies.session.name, raw, site.basePath))
  await app.register(fastifySwaggerUi, {
    routePrefix: '/docs',
    logLevel: 'warn',
    staticCSP: PAGE_POLICY,
    theme: PAGE_THEME,
    uiConfig: {
      deepLinking: true,
      displayRequestDuration: true,
      tryItOutEnabled: false,
      // The one schema is that of a problem, which every response shows.
      defaultModelsExpandDepth: -1,
    },
  })

  const description = 'This document: OpenAPI 3.1. `/docs` shows it as a page.'
  const schema = {
    operationId: 'openapi',
    tags: ['operators'],
    summary: 'This document',
    security: callers.anyone,
    response: { 200: z.looseObject({ openapi: z.string() }).describe(description) },
  }
  app.get('/openapi.json', { schema }, async () => app.swagger())
}

/** Stricter than the library's default: nothing from other origins. The library's icons are `data:` images. */
const PAGE_POLICY = {
  'default-src': "'none'",
  'script-src': "'self'",
  // The library adds inline styles.
  'style-src': "'self' 'unsafe-inline'",
  'img-src': "'self' data:",
  'connect-src': "'self'",
  'base-uri': "'none'",
  'form-action': "'none'",
  'frame-ancestors': "'none'",
}

/** Hides the library's logo and its URL field, and fits phones. */
const PAGE_THEME = {
  title: 'global-logout: the API',
  css: [
    {
      filename: 'page.css',
      content: `
        .swagger-ui .topbar :is(.link, .download-url-wrapper) { display: none }
        .swagger-ui .topbar-wrapper { justify-content: flex-end }
        .dark-mode .swagger-ui :is(.header-row td, .headers td) { color: #e4e6e6 }
        .swagger-ui .response-col_links { display: none }
      `,
    },
  ],
  js: [
    {
      filename: 'page.js',
      content: `
        const viewport = document.createElement('meta')
        viewport.name = 'viewport'
        viewport.content = 'width=device-width'
        document.head.append(viewport)
      `,
    },
  ],
}
