/**
 * express-session with connect-pg-simple, as both describe it. A session is touched by an update in every request:
 * that is how this pair moves its expiry. With the argument `untouched` it is not, and a session in use expires.
 */
import connectPg from 'connect-pg-simple'
import express from 'express'
import session from 'express-session'
import { DAY_MS, SECRET } from '../seeded.ts'
import { host, openPool, port } from './common.ts'

declare module 'express-session' {
  interface SessionData {
    userId: string
  }
}

const Store = connectPg(session)
const app = express()
app.use(
  session({
    store: new Store({ pool: openPool(), disableTouch: process.argv[2] === 'untouched' }),
    secret: SECRET,
    resave: false,
    saveUninitialized: false,
    cookie: { maxAge: 30 * DAY_MS },
  }),
)
app.get('/check', (request, response) => {
  const { userId } = request.session
  if (!userId) return void response.status(401).end()
  response.set({ 'X-User-ID': userId, 'X-Session-ID': request.sessionID, 'Cache-Control': 'no-store' }).end()
})
app.listen(port, host)
