/**
 * MaxMind's test file of places: `test-data/GeoLite2-City-Test.mmdb` of github.com/maxmind/MaxMind-DB at 2f18851, under Apache-2.0 or
 * MIT. It knows a few addresses only.
 */
import { fileURLToPath } from 'node:url'

export const PLACES_FILE = fileURLToPath(new URL('GeoLite2-City-Test.mmdb', import.meta.url))

export const LONDON = '81.2.69.160'
export const LINKOPING = '89.160.20.112'
