/** Removes NotificationResponse messages from PostgreSQL's answers; everything else passes unchanged. */

/** `A`, a 32-bit length, the backend, channel and payload: see "Message Formats" in PostgreSQL's manual. */
const NOTIFICATION = 'A'.charCodeAt(0)
const HEADER = 5

/** @returns a filter for chunks. It passes whole messages on; an incomplete one waits for the next chunk. */
export function dropNotifications(drops: () => boolean): (chunk: Buffer) => Buffer {
  let pending = Buffer.alloc(0)
  return (chunk) => {
    const all = pending.length > 0 ? Buffer.concat([pending, chunk]) : chunk
    const kept: Buffer[] = []
    let at = 0
    let from = 0
    for (let next = endOf(all, at); next <= all.length; next = endOf(all, at)) {
      if (all[at] === NOTIFICATION && drops()) {
        kept.push(all.subarray(from, at))
        from = next
      }
      at = next
    }
    kept.push(all.subarray(from, at))
    pending = Buffer.from(all.subarray(at))
    return kept.length === 1 ? (kept[0] as Buffer) : Buffer.concat(kept)
  }
}

/** Where the message that begins at `at` ends; infinity until its length has arrived. */
function endOf(bytes: Buffer, at: number): number {
  return bytes.length < at + HEADER ? Number.POSITIVE_INFINITY : at + 1 + bytes.readInt32BE(at + 1)
}
