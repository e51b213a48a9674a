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

type Awaitable<T> = T | PromiseLike<T>

export interface AnyAdapter {
  getUser?(id: string): Awaitable<AnyUser | null>
  deleteUser?(id: string): unknown
  getSessionAndUser?(sessionToken: string): Awaitable<{ session: { expires: Date }; user: AnyUser } | null>
  deleteSession?(sessionToken: string): unknown
}
