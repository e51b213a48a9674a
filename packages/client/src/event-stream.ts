/** Parses server-sent events by the HTML standard (9.2.6), however the bytes are split into chunks. */

export interface Message {
  type: string
  data: string
  /** Only if the message itself has an id. */
  id?: string
}

/** Longest message, in characters. The service sends no longer ones. */
const LONGEST = 1_000_000

/** @returns a function that takes the next bytes and returns the messages that they complete. */
export function createEventStreamParser(): (chunk: Uint8Array) => Message[] {
  const decoder = new TextDecoder()
  let rest = ''
  let block: { type?: string; data?: string; id?: string } = {}

  return (chunk) => {
    const messages: Message[] = []
    // A CR at the end may be the first half of a CRLF.
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line === '') {
        const { type = 'message', data, ...id } = block
        if (data !== undefined || 'id' in id) messages.push({ type, data: data ?? '', ...id })
        block = {}
        continue
      }
      const [, field, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? []
      if (field === 'data') block.data = block.data === undefined ? value : `${block.data}\n${value}`
      else if (field === 'event') block.type = value || 'message'
      else if (field === 'id' && !value.includes('\0')) block.id = value
    }
    if (rest.length + (block.data?.length ?? 0) > LONGEST)
      throw new Error('a message of the feed is too long')
    return messages
  }
}
