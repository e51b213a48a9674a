/** Answers in CSV: who asks for it, and long ones as fast as the client takes them. */
import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'

/** Characters that are sent at once: a line each would be a million small writes. */
const CHUNK = 32 * 1024

/** Whether the request asks for CSV by name; whoever takes anything gets JSON. */
export function wantsCsv({ accept }: { accept?: string | undefined }): boolean {
  return /\btext\/csv\b/i.test(accept ?? '')
}

/** Answers with a file of lines. */
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
 * Lines, read as fast as they are taken. Resolves with the first at hand, so that an error until then still becomes a
 * problem; a later one breaks the connection, which no client takes for the end.
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
