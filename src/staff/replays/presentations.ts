/** How often a refused token was presented, by whom and when: in little memory, each presentation with its own time. */

/** Presentations within so many milliseconds after one are judged by its time. */
const MOMENT_MS = 1_000
/** Of one sender so many moments are kept apart; of more, neighbours become one. */
const MOMENTS = 12
/** So many senders are kept apart; further ones are counted with the last. */
const SENDERS = 3

export interface From {
  ipAddress: string | null
  userAgent: string | null
}

interface Moment {
  /** When the first of them came, in milliseconds on the monotonic clock. */
  at: number
  count: number
}

export interface Sender extends From {
  moments: Moment[]
}

/** Notes presentations by `from`. Those of one moment may come in any order. */
export function present(senders: Sender[], { ipAddress, userAgent }: From, { at, count }: Moment): void {
  const same = (one: Sender) => one.ipAddress === ipAddress && one.userAgent === userAgent
  let sender = senders.find(same) ?? (senders.length < SENDERS ? undefined : senders.at(-1))
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
  if (moments.length > MOMENTS) sender.moments = halved(moments)
}

/** Puts presentations that came later behind those that came before. */
export function append(before: Sender[], later: readonly Sender[]): Sender[] {
  for (const { moments, ...from } of later) for (const moment of moments) present(before, from, moment)
  return before
}

function halved(moments: readonly Moment[]): Moment[] {
  const pairs: Moment[] = []
  for (let i = 0; i < moments.length; i += 2) {
    const [first, second] = [moments[i] as Moment, moments[i + 1]]
    pairs.push({ at: first.at, count: first.count + (second?.count ?? 0) })
  }
  return pairs
}
