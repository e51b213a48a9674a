/** `?count=N`: cookies of the first N sessions. */
import { spread } from '../../../seeded.ts'
import { cookie } from '../../guard.js'

export const dynamic = 'force-dynamic'

export async function GET(request) {
  const count = Number(request.nextUrl.searchParams.get('count'))
  return Response.json(await Promise.all(spread(Number(process.env.SESSIONS), count).map(cookie)))
}
