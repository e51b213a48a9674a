/** Reads the JWTs of Auth.js 5 and next-auth 4, made by their own code. */
import { encode } from '@auth/core/jwt'
import { EncryptJWT } from 'jose'
import t from 'tap'
import { createJwtReader, isEncryptedJwt } from '../../src/sessions/jwt-cookie.ts'
import { load, missing } from '../authjs/next-auth.ts'

const NAME = '__Secure-authjs.session-token'
const SECRET = 'of-the-application'
const claims = { sub: 'ada', globalLogout: { sessionId: 'an id', token: 'the-token' } }
const jwt = (changes: Partial<Parameters<typeof encode>[0]> = {}) =>
  encode({ token: claims, secret: SECRET, salt: NAME, ...changes })

t.test('reads a JWT of Auth.js 5', async (t) => {
  const { read } = createJwtReader([SECRET])
  const text = await jwt()
  t.ok(isEncryptedJwt(text))
  t.equal(await read(text, NAME), 'the-token')
  t.equal(read(text, NAME), 'the-token', 'the second time synchronously')
})

t.test('reads a JWT of next-auth 4, which has another key and encryption', { skip: missing }, async (t) => {
  const { default: nextAuth4 } = await load('next-auth-4/jwt')
  const text = await nextAuth4.encode({ token: claims, secret: SECRET })
  t.ok(isEncryptedJwt(text))
  const { read } = createJwtReader(['another', SECRET])
  t.equal(await read(text, 'next-auth.session-token'), 'the-token')
  t.equal(await createJwtReader(['another']).read(text, 'next-auth.session-token'), null)
})

t.test('accepts several secrets during a rotation', async (t) => {
  const [before, after] = [await jwt({ secret: 'old' }), await jwt({ secret: 'new' })]
  const { read } = createJwtReader(['new', 'old'])
  t.equal(await read(before, NAME), 'the-token')
  t.equal(await read(after, NAME), 'the-token')
  t.equal(await createJwtReader(['new']).read(before, NAME), null)
})

t.test('returns null for a JWT that is unreadable, expired or names no session', async (t) => {
  const { read } = createJwtReader([SECRET])
  const good = await jwt()
  const [header, , ...rest] = good.split('.')
  const key = crypto.getRandomValues(new Uint8Array(32))
  const signed = new EncryptJWT(claims).setExpirationTime('1h')
  for (const [why, text, name] of [
    ['another secret', await jwt({ secret: 'another' }), NAME],
    ['encrypted for another cookie name', good, 'authjs.session-token'],
    ['expired', await jwt({ maxAge: -60 }), NAME],
    ['no session', await jwt({ token: { sub: 'ada' } }), NAME],
    ['a token that is not a string', await jwt({ token: { globalLogout: { token: 1 } } }), NAME],
    ['a changed byte', `${good.slice(0, -3)}AAA`, NAME],
    ['a header that is not JSON', ['eyJ', '', ...rest].join('.'), NAME],
    [
      'an encryption that Auth.js does not use',
      await signed.setProtectedHeader({ alg: 'dir', enc: 'A128CBC-HS256' }).encrypt(key),
      NAME,
    ],
  ] as const)
    t.equal(await read(text, name), null, why)
  t.notOk(isEncryptedJwt(`${header}.${rest.join('.')}`), 'a signed JWT is not an encrypted one')
})

t.test('a JWT is dropped from the cache when it expires', async (t) => {
  let now = Date.now()
  const { read } = createJwtReader([SECRET], () => now)
  const text = await jwt({ maxAge: 0 })
  t.equal(await read(text, NAME), 'the-token', 'within the clock tolerance of Auth.js')
  t.equal(read(text, NAME), 'the-token')
  now += 16_000
  t.equal(await read(text, NAME), null)
})
