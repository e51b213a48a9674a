/** What is used of an adapter. The types of @auth/core, next-auth 4 and next-auth 5 fit, and none of them is imported. */

/** The device that signs in, as the application knows it. */
export interface Device {
  userAgent?: string | null | undefined
  ipAddress?: string | null | undefined
}

/** A user with whatever columns the application has. */
export interface AnyUser {
  id: string
  name?: string | null | undefined
  email?: string | null | undefined
  image?: string | null | undefined
}

/** Any text. Where a type names one, an inline `'jwt'` or `'oidc'` keeps its type, which Auth.js wants, and is no mere `string`. */
export type AnyText<Known extends string> = Known | (string & {})

/** A provider of Auth.js 5 or next-auth 4, or what makes one. */
export interface AnyProvider {
  type?: AnyText<'oidc'> | undefined
  checks?: readonly AnyText<'pkce'>[] | string | undefined
  // biome-ignore lint/suspicious/noExplicitAny: as each provider has it
  profile?: ((profile: any, tokens: any) => any) | undefined
  // biome-ignore lint/suspicious/noExplicitAny: the types of the versions differ
  [option: string]: any
}

type Awaitable<T> = T | PromiseLike<T>

export interface AnyAdapter {
  getUser?(id: string): Awaitable<AnyUser | null>
  updateUser?(user: { id: string }): unknown
  deleteUser?(id: string): unknown
  getSessionAndUser?(sessionToken: string): Awaitable<{ session: { expires: Date }; user: AnyUser } | null>
  deleteSession?(sessionToken: string): unknown
}
