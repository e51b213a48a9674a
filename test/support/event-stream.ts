/**
 * A client of server-sent events by WHATWG's rules: comments are kept apart, an id counts once its event is
 * dispatched.
 */
import { within } from './within.ts'

interface Message {
  event: string
  data: string
  /** The last event id after this message. */
  lastId: string
}

export interface EventStream {
  response: Response
  /** Comments so far. */
  comments: string[]
  /** The next message, or null if the stream has ended. */
  next(): Promise<Message | null>
  close(): void
}

/** Opens a stream. @param open `fetch`, or a compatible function. */
export async function openStream(
  open: (init: { signal: AbortSignal; headers: Record<string, string> }) => Promise<Response>,
  lastId = '',
): Promise<EventStream> {
  const abort = new AbortController()
  const headers = { accept: 'text/event-stream', ...(lastId && { 'last-event-id': lastId }) }
  const response = await within('the stream to begin', open({ signal: abort.signal, headers }))
  const comments: string[] = []
  const messages = messagesOf(response.body, comments, lastId)
  return {
    response,
    comments,
    next: async () => {
      const next = messages.next().catch(() => null)
      return (await within('the next message of the stream', next))?.value ?? null
    },
    close: () => abort.abort(),
  }
}

async function* messagesOf(
  body: Response['body'],
  comments: string[],
  lastId: string,
): AsyncGenerator<Message, null> {
  if (!body) return null
  let rest = ''
  let idSoFar = lastId
  let fields: { event?: string; data?: string } = {}
  const decoder = new TextDecoder()
  for await (const bytes of body) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const [, name, value = ''] = /^([^:]*):? ?(.*)$/.exec(line) ?? []
      if (line === '') {
        if (fields.data !== undefined)
          yield { event: fields.event ?? 'message', data: fields.data, lastId: idSoFar }
        fields = {}
      } else if (line.startsWith(':')) comments.push(line.slice(1).trim())
      else if (name === 'id') idSoFar = value
      else if (name === 'event' || name === 'data') fields[name] = value
    }
  }
  return null
}
