import { createProxy } from '@global-logout/client/next'

export const middleware = createProxy({ public: ['/', '/api/auth/*'] })
export const config = {
  runtime: 'nodejs',
  matcher: [
    '/((?!_next/static|_next/image|favicon.ico|devices|logout|signed-out|sessions|assets|api/session|api/logout).*)',
  ],
}
