/** Sets the security headers of every answer: scripts, styles and form targets of this site only, images also of the logo's, and no framing. */
import fastifyHelmet from '@fastify/helmet'
import fp from 'fastify-plugin'
import type { Config } from '../config.ts'

const HSTS_SECONDS = 2 * 365 * 86_400

const OWN = ["'self'"]
const NONE = ["'none'"]

export const securityHeaders = fp<{ config: Pick<Config, 'secure' | 'site'> }>(
  async (app, { config: { secure, site } }) => {
    await app.register(fastifyHelmet, {
      contentSecurityPolicy: {
        useDefaults: false,
        directives: {
          defaultSrc: NONE,
          scriptSrc: OWN,
          styleSrc: OWN,
          imgSrc: site.logoUrl ? [...OWN, new URL(site.logoUrl).origin] : OWN,
          connectSrc: OWN,
          formAction: OWN,
          frameAncestors: NONE,
          baseUri: NONE,
        },
      },
      strictTransportSecurity: secure && { maxAge: HSTS_SECONDS, includeSubDomains: false },
      referrerPolicy: { policy: 'same-origin' },
      xFrameOptions: { action: 'deny' },
    })
  },
  { name: 'security-headers' },
)
