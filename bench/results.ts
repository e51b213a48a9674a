/**
 * The results of a run. A part that did not run is absent, and so is a participant that did not take part.
 */

import type { Sample } from './measure.ts'
import type { CallersSample } from './parts/callers.ts'
import type { EndingSample } from './parts/ending.ts'
import type { EveryoneSample } from './parts/everyone.ts'
import type { FleetSample } from './parts/fleet.ts'
import type { InProcessSample } from './parts/in-process.ts'
import type { IncidentSample } from './parts/incident.ts'
import type { LoginSample } from './parts/login.ts'
import type { LogoutSeries } from './parts/logout.ts'
import type { RouteSample } from './parts/routes.ts'
import type { Size } from './parts/sizes.ts'

export interface Results {
  /** By participant, one sample a round. */
  checks?: Series
  /** The same, all at one rate: half of what the bare route reached. */
  latency?: { perSecond: number; series: Series }
  logout?: LogoutSeries[]
  /** By stored sessions. */
  growth?: Series
  /** By connections that ask; those of the bare route with its label in front. */
  connections?: Series
  /** By mode and workers. */
  workers?: Series
  login?: Record<string, LoginSample[]>
  ending?: EndingSample[]
  /** By mode. */
  incident?: IncidentSample[]
  sizes?: Size[]
  everyone?: EveryoneSample
  /** By number of instances. */
  fleet?: FleetSample[]
  routes?: RouteSample[]
  /** By number of callers. */
  callers?: CallersSample[]
  /** By contender. */
  inProcess?: Record<string, InProcessSample>
}

export type Series = Record<string, Sample[]>
