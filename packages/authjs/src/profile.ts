/** What `sessions` keeps of a user, for staff and for the list of devices. */
import type { SessionUser } from '@global-logout/client'

/** The longest text that it takes, in characters. */
const LONGEST = 1_024

/** A text that is too long, such as an image within its own URL, is left out: it is no reason to refuse a sign-in. */
export function profileOf(
  id: string,
  { name, email, image }: Pick<SessionUser, 'name' | 'email' | 'image'>,
): SessionUser {
  return { id, name: kept(name), email: kept(email), image: kept(image) }
}

function kept(text: string | null | undefined) {
  return text && text.length > LONGEST ? undefined : text
}
