import { createProxy } from '@global-logout/client/next'

export const proxy = createProxy({ public: ['/', '/api/auth/*'] })
export const config = { matcher: ['/((?!_next/static|_next/image|favicon.ico).*)'] }
