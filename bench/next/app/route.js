/** A route of an application that says whose session it was asked with. */
import { guarded } from '../guard.js'

export const dynamic = 'force-dynamic'
export const GET = (request) => guarded(request)
