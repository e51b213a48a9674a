/** Better Auth through its own handler: `GET /api/auth/get-session`. With COOKIE_CACHE it trusts its signed cookie. */
import { createServer } from 'node:http'
import { betterAuth } from 'better-auth'
import { toNodeHandler } from 'better-auth/node'
import { betterAuthOptions } from './better-auth-options.ts'
import { host, openPool, port } from './common.ts'

const cookieCache = process.env.COOKIE_CACHE === 'on'
const auth = betterAuth(betterAuthOptions(openPool(), `http://${host}:${port}`, cookieCache))
createServer(toNodeHandler(auth)).listen(port, host)
