/**
 * Where an address is: city and country, from a file in the format of MaxMind (MMDB) that the operator keeps. Nothing is asked of the
 * outside, and nothing is stored: a list looks addresses up when it is shown.
 *
 * The file is read at the first use, 60 MB for all cities of the world, and again when it changes. A file that is missing or damaged
 * leaves places out and is logged; the one that was read before stays. No sign-in and no sign-out waits for a place.
 */
import { readFile, stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { type CityResponse, Reader } from 'mmdb-lib'
import type { Log } from '../lib/log.ts'

/** How often the file is compared, in milliseconds. */
const RECHECK_MS = 60_000
/** Longest wait of a list for the file, in milliseconds. A disk that hangs delays no page for longer. */
const WAIT_MS = 1_000

export interface Place {
  /** ISO 3166-1 alpha-2. */
  country: string | null
  /** In the language that was asked for, or else in English. */
  city: string | null
}

/** What a session says of its place. */
interface Placed {
  ipAddress: string | null
  /** As the application or its CDN said at the sign-in: preferred to the file. */
  country?: string | null
  city?: string | null
}

/** Finds the place of a session; null where it is not known. Never throws. */
export type PlaceOf = (placed: Placed, language?: string) => Place | null

/** @throws Error unless it is a file in that format. */
export async function readPlaces(file: string): Promise<Reader<CityResponse>> {
  return new Reader<CityResponse>(await readFile(file))
}

export type Places = ReturnType<typeof createPlaces>

/** @param path of the file; without one, a place is what the sign-in said. */
export function createPlaces(path: string | null, log: Log, recheckMs = RECHECK_MS) {
  let reader: Reader<CityResponse> | null = null
  /** Of the file that was read last, or could not be. */
  let version = ''
  let checkedAt = Number.NEGATIVE_INFINITY
  let reading: Promise<void> | null = null

  async function read(file: string): Promise<void> {
    const found = await stat(file).catch(() => null)
    const next = found ? `${found.ino} ${found.size} ${found.mtimeMs}` : 'missing'
    checkedAt = performance.now()
    if (next === version) return
    version = next
    try {
      reader = await readPlaces(file)
      log.info({ file, built: reader.metadata.buildEpoch }, 'GEOIP_DATABASE read')
    } catch (err) {
      log.error({ err, file }, 'GEOIP_DATABASE not read: places are as before, or left out')
    }
  }

  function lookUp(address: string, language: string): Place | null {
    try {
      const found = reader?.get(address)
      const names = found?.city?.names as Record<string, string | undefined> | undefined
      return placeOf(found?.country?.iso_code, names?.[language] ?? names?.en)
    } catch {
      // A damaged record, or an IPv6 address in a file that has none.
      return null
    }
  }

  const find: PlaceOf = ({ ipAddress, country, city }, language = 'en') =>
    placeOf(country, city) ?? (ipAddress === null ? null : lookUp(ipAddress, language))

  return {
    /** Waits for the file if it is new, then finds places without waiting. */
    async finder(): Promise<PlaceOf> {
      if (path && performance.now() - checkedAt >= recheckMs) {
        reading ??= read(path).finally(() => {
          reading = null
        })
        await Promise.race([reading, sleep(WAIT_MS, undefined, { ref: false })])
      }
      return find
    },
  }
}

function placeOf(country: unknown, city: unknown): Place | null {
  const place = {
    country: typeof country === 'string' && /^[A-Z]{2}$/.test(country) ? country : null,
    city: typeof city === 'string' && city !== '' ? city : null,
  }
  return place.country === null && place.city === null ? null : place
}
