/** Whether the file of places can be read, and how old it is, for `global-logout doctor`. */
import type { Config } from '../config.ts'
import { readPlaces } from '../sessions/places.ts'
import { type Finding, ok, warning } from './finding.ts'

/** Age at which addresses have moved: GeoLite2 has to be replaced within 30 days. */
const OLD_DAYS = 60

export async function checkPlaces({
  geoipDatabase: file,
  placeHeaders,
}: Pick<Config, 'geoipDatabase' | 'placeHeaders'>): Promise<Finding[]> {
  if (!file)
    return [ok('places', placeHeaders.length > 0 ? `from ${placeHeaders.join(' and ')}` : 'not shown')]
  try {
    const { databaseType, buildEpoch } = (await readPlaces(file)).metadata
    const found = `${databaseType} of ${buildEpoch.toISOString().slice(0, 10)}`
    const days = (Date.now() - buildEpoch.getTime()) / 86_400_000
    return [days > OLD_DAYS ? warning('places', `${found} is old. Replace the file.`) : ok('places', found)]
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return [warning('places', `GEOIP_DATABASE is not read (${reason}): devices show no place.`)]
  }
}
