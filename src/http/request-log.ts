/** One log line for each request, at its end: what was asked, what was answered, and how long it took. */
import { type FastifyReply, type FastifyRequest, LogController } from 'fastify'

export class RequestLog extends LogController {
  constructor() {
    super({ disableRequestLogging: (request) => request.routeOptions?.config?.quiet === true })
  }

  override incomingRequest(): void {}

  override requestCompleted(
    err: Error | null | undefined,
    request: FastifyRequest,
    reply: FastifyReply,
  ): void {
    if (this.isLogDisabled(request)) return
    const fields = { req: request, res: reply, responseTime: reply.elapsedTime }
    if (err) reply.log.error({ ...fields, err }, 'request errored')
    else reply.log.info(fields, 'request completed')
  }
}
