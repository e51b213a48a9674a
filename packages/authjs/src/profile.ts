/** What `sessions` keeps of a user, for staff and for the list of devices. */
import { LONGEST_USER_TEXT, type SessionUser } from '@global-logout/client'

/** A text that is too long, such as an image within its own URL, is left out: it is no reason to refuse a sign-in. */
export function profileOf(
  id: string,
  { name, email, image }: Pick<SessionUser, 'name' | 'email' | 'image'>,
): SessionUser {
  return { id, name: kept(name), email: kept(email), image: kept(image) }
}

function kept(text: string | null | undefined) {
  return text && text.length > LONGEST_USER_TEXT ? undefined : text
}
