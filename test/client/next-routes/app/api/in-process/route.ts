import { sessions, withSession } from '../../../in-process'

export const GET = withSession(({ userId }, request: Request) =>
  Response.json({ userId, forged: request.headers.get('x-user-id') }),
)

export const POST = withSession(async (_, request: Request) => {
  const { revoked } = await sessions().logout(request, { scope: 'global' })
  return Response.json({ ended: revoked.length })
})
