/**
 * node-postgres, imported at its first use, because an application that gives a database of its own may not have it. In a `try`, because
 * bundlers then accept that it is missing. In the build, the modules that are shared with the service import it from here.
 */

/** A driver that is not installed, with what to install. */
export class MissingPackage extends Error {}

let pg: typeof import('pg').default

/** @param without what to do instead. @throws MissingPackage */
export async function loadPg(without: string): Promise<typeof pg> {
  try {
    pg ??= (await import('pg')).default
  } catch (cause) {
    throw new MissingPackage(`Install "pg"${without}.`, { cause })
  }
  return pg
}

/** @public The build imports it. */
export { pg as default }
