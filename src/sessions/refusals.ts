/** The refusals of sign-ins and logouts. */
import { Problem } from '../errors.ts'
import type { Lock } from './locks.ts'

export function userLocked({ until }: Lock): Problem {
  const end = until ? `until ${until.toISOString()}` : 'until staff unlock the user'
  return new Problem('user_locked', `Sign-in of this user is locked ${end}.`)
}

export function sessionNotFound(): Problem {
  return new Problem('session_not_found', 'None of your sessions has this id.')
}

export function tokenNotValid(): Problem {
  return new Problem('invalid_token', 'Sign in again. Nothing was ended by this request.')
}
