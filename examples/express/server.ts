// An Express 5 application whose private routes need a valid session. README.md in this folder says how to
// run it.
import type { AddressInfo } from 'node:net'
import { createClient, expressSession, type Identity } from '@global-logout/client'
import express from 'express'

declare global {
  namespace Express {
    interface Request {
      identity?: Identity | null
    }
  }
}

const { PORT = '3000', GLOBAL_LOGOUT_URL = 'http://127.0.0.1:4000' } = process.env
const client = createClient({ url: GLOBAL_LOGOUT_URL })
const app = express()

app.get('/', (_request, response) => void response.type('text').send('A page for all.\n'))

app.get('/me', expressSession(client), (request, response) => void response.json(request.identity))

app.get('/hello', expressSession(client, { optional: true }), ({ identity }, response) => {
  response.type('text').send(`Hello, ${identity?.userId ?? 'stranger'}.\n`)
})

const server = app.listen(Number(PORT), '127.0.0.1', () => {
  console.log(`The application listens on http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})
