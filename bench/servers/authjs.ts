/**
 * Auth.js itself, with `@auth/express` and the stock adapter: `GET /auth/session`, as its own browser client
 * uses it.
 */
import { DrizzleAdapter } from '@auth/drizzle-adapter'
import { ExpressAuth } from '@auth/express'
import { drizzle } from 'drizzle-orm/node-postgres'
import express from 'express'
import { SECRET } from '../seeded.ts'
import { host, openPool, port } from './common.ts'

const app = express()
app.use(
  '/auth',
  ExpressAuth({
    adapter: DrizzleAdapter(drizzle(openPool())),
    secret: SECRET,
    trustHost: true,
    providers: [],
    callbacks: {
      // By default the answer has no id.
      session: ({ session, user }) => ({ ...session, user: { ...session.user, id: user.id } }),
    },
  }),
)
app.listen(port, host)
