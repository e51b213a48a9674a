/** CSV answers: detects requests for CSV, and streams long files with backpressure. */
import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'

/** Characters per write: one write per line would mean a million small writes. */
const CHUNK = 32 * 1024

/** Whether the request asks for CSV explicitly; a client that accepts anything gets JSON. */
export function wantsCsv({ accept }: { accept?: string | undefined }): boolean {
  return /\btext\/csv\b/i.test(accept ?? '')
}

/** Answers with `lines` as a CSV download. */
export async function sendCsv(
  reply: Pick<FastifyReply, 'type'>,
  filename: string,
  lines: AsyncGenerator<string>,
): Promise<FastifyReply> {
  const stream = await csvStream(lines)
  return reply
    .type('text/csv; charset=utf-8')
    .header('content-disposition', `attachment; filename="${filename}"`)
    .send(stream)
}

/**
 * A stream of the lines, with backpressure. Resolves after the first line, so that an earlier error still becomes a problem
 * body. A later error breaks the connection, so that the client does not take the file for complete.
 */
export async function csvStream(lines: AsyncGenerator<string>): Promise<Readable> {
  const first = await lines.next()
  async function* text() {
    let chunk = ''
    for (let line = first; !line.done; line = await lines.next()) {
      chunk += line.value
      if (chunk.length < CHUNK) continue
      yield chunk
      chunk = ''
    }
    if (chunk) yield chunk
  }
  return Readable.from(text())
}
