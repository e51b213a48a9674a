/**
 * The parts of React and Next.js that `next*.ts` uses, so that the service's own dependencies do not include them. The example in
 * `examples/nextjs` compiles the built package against the real types of both versions.
 */

declare module 'react' {
  export type ReactNode = string | number | boolean | null | undefined | object
  export type ReactElement = object
  export function cache<T extends (...args: never[]) => unknown>(work: T): T
  export function createElement(type: string, props?: object | null, ...children: ReactNode[]): ReactElement
  export function useEffect(effect: () => undefined | (() => void), dependencies: readonly unknown[]): void
  export function useState<T>(initial: T): [T, (next: T) => void]
}

declare module 'next/headers.js' {
  export function headers(): Promise<Pick<Headers, 'get'>>
  export function cookies(): Promise<{
    getAll(): { name: string }[]
    set(name: string, value: string, attributes: object): unknown
    set(cookie: { name: string; value: string }): unknown
  }>
}

declare module 'next/navigation' {
  export function redirect(to: string): never
}

declare module 'next/server.js' {
  interface Forwarded {
    request: { headers: Headers }
  }
  export const NextResponse: {
    new (body: null, init: ResponseInit): { cookies: { getAll(): { name: string; value: string }[] } }
    next(init: Forwarded): Response
    rewrite(to: string, init: Forwarded): Response
  }
}
