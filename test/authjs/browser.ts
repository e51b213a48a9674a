/** A minimal browser: a cookie jar per host, and redirects followed across origins. */

/** Answers requests to one origin; requests to others go over the network. */
export type Site = (request: Request) => Promise<Response>

export function openBrowser(sites: Record<string, Site>) {
  /** Cookies by host: like a browser's, they do not depend on the port. */
  const jars = new Map<string, Map<string, string>>()

  const jar = (url: string) => {
    const { hostname } = new URL(url)
    const cookies = jars.get(hostname) ?? new Map<string, string>()
    jars.set(hostname, cookies)
    return cookies
  }

  async function request(url: string, init: RequestInit = {}): Promise<Response> {
    const cookies = jar(url)
    const headers = new Headers(init.headers)
    headers.set('cookie', [...cookies].map(([name, value]) => `${name}=${value}`).join('; '))
    const asked = new Request(url, { ...init, headers, redirect: 'manual' })
    const response = await (sites[new URL(url).origin] ?? fetch)(asked)
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (!name) continue
      const maxAge = /max-age=(-?\d+)/i.exec(line)?.[1]
      const expires = /expires=([^;]+)/i.exec(line)?.[1]
      const over = maxAge ? Number(maxAge) <= 0 : expires ? Date.parse(expires) <= Date.now() : false
      if (over) cookies.delete(name)
      else cookies.set(name, value ?? '')
    }
    return response
  }

  return {
    request,
    /** The value of a cookie for a URL. */
    cookie: (url: string, name: string) => jar(url).get(name),
    setCookie: (url: string, name: string, value: string) => void jar(url).set(name, value),
    /** Follows redirects to the final answer. */
    async visit(url: string, init: RequestInit = {}): Promise<{ url: string; response: Response }> {
      let [at, response] = [url, await request(url, init)]
      for (let hops = 0; response.headers.has('location'); hops++) {
        if (hops === 20) throw new Error(`redirected for ever, at last to ${at}`)
        at = new URL(response.headers.get('location') ?? '', at).href
        response = await request(at)
      }
      return { url: at, response }
    },
  }
}

export type Browser = ReturnType<typeof openBrowser>
