/**
 * The service's pages and APIs for browsers, on the application's own origin and without a gateway. These paths must be free in
 * the application.
 */
import { serviceUrl } from './next-request.ts'

const PATHS = [
  '/devices',
  '/logout',
  '/signed-out',
  '/sessions/:id',
  '/sessions/:id/end',
  '/sessions/:id/name',
  '/assets/:file',
  '/accent.css',
  '/api/session',
  '/api/session/ended',
  '/api/session/events',
  '/api/sessions',
  '/api/sessions/:id',
  '/api/logout',
]

/**
 * For `rewrites` in `next.config`, in an application without `createProxy()`. Next writes them into the build, so the build needs
 * GLOBAL_LOGOUT_URL; without it, there are none.
 */
export async function rewrites(): Promise<{ source: string; destination: string }[]> {
  const service = urlAtBuild()
  if (!service) return []
  return PATHS.map((path) => ({ source: path, destination: service + path }))
}

/** The address at the service of a path below the application's base path; undefined when the path is not the service's. */
export function atService(path: string): string | undefined {
  return PATHS.some((pattern) => patternOf(pattern).test(path)) ? serviceUrl() + path : undefined
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(/:\w+/g, '[^/]+')}$`)
}

function urlAtBuild(): string | undefined {
  try {
    return serviceUrl()
  } catch {
    console.warn('GLOBAL_LOGOUT_URL is not set: this build leads no path to the global-logout service.')
    return undefined
  }
}
