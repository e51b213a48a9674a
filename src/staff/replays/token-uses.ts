/** The uses of a refused token: how often, by which senders and when, in bounded memory. */

/** Uses within this many milliseconds after one share its time. */
const MOMENT_MS = 1_000
/** Distinct times per sender; beyond that, neighbours are merged. */
const MAX_MOMENTS = 12
/** Distinct senders per token; further ones are counted with the last. */
const MAX_SENDERS = 3

interface SenderDevice {
  ipAddress: string | null
  userAgent: string | null
}

interface Moment {
  /** Time of the first use, in milliseconds on the monotonic clock. */
  at: number
  count: number
}

export interface Sender extends SenderDevice {
  moments: Moment[]
}

/** Adds uses by one sender. Uses of one moment may arrive in any order. */
export function addUse(
  senders: Sender[],
  { ipAddress, userAgent }: SenderDevice,
  { at, count }: Moment,
): void {
  const isSame = (other: Sender) => other.ipAddress === ipAddress && other.userAgent === userAgent
  let sender = senders.find(isSame) ?? (senders.length < MAX_SENDERS ? undefined : senders.at(-1))
  if (!sender) {
    sender = { ipAddress, userAgent, moments: [] }
    senders.push(sender)
  }
  const { moments } = sender
  const last = moments.at(-1)
  if (last && at - last.at < MOMENT_MS) {
    last.count += count
    last.at = Math.min(last.at, at)
  } else moments.push({ at, count })
  if (moments.length > MAX_MOMENTS) sender.moments = mergePairs(moments)
}

/** Appends later uses to earlier ones. */
export function append(before: Sender[], later: readonly Sender[]): Sender[] {
  for (const { moments, ...from } of later) for (const moment of moments) addUse(before, from, moment)
  return before
}

function mergePairs(moments: readonly Moment[]): Moment[] {
  const pairs: Moment[] = []
  for (let i = 0; i < moments.length; i += 2) {
    const [first, second] = [moments[i] as Moment, moments[i + 1]]
    pairs.push({ at: first.at, count: first.count + (second?.count ?? 0) })
  }
  return pairs
}
