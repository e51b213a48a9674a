/** `/admin`: the console's first page. */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { logServerError, toProblem } from '../../http/problems.ts'
import { send, viewerOf } from '../forms.ts'
import type { Incidents } from '../incidents/incidents.ts'
import type { Overview } from './overview.ts'
import { overviewPage } from './views/overview-page.ts'

export interface OverviewPages {
  overview: Pick<Overview, 'figures' | 'recent'>
  incidents: Pick<Incidents, 'list'>
}

export async function overviewPages(instance: FastifyInstance, { overview, incidents }: OverviewPages) {
  const app = instance.withTypeProvider<ZodTypeProvider>()

  app.get(
    '/',
    { schema: { querystring: z.object({ range: z.enum(['day', 'week']).catch('day') }) } },
    async (request, reply) => {
      const { range } = request.query
      const [figures, all, recent] = await Promise.all([
        overview.figures(range).catch((error) => {
          logServerError(toProblem(error), () => request.log)
          return 'unavailable' as const
        }),
        incidents.list(),
        overview.recent(),
      ])
      const running = all.filter(({ state }) => state === 'running')
      const viewer = viewerOf(request)
      return send(reply, overviewPage({ viewer, range, figures, incidents: running, ...recent }))
    },
  )
}
