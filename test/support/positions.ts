/**
 * Parts of a cursor that PostgreSQL cannot read, including ones that look readable: each gets 400, never 500.
 */

const UNREADABLE = {
  instant: [
    '',
    'infinity',
    '-infinity',
    'now',
    '0000-01-01T00:00:00.000000Z',
    '-0001-01-01T00:00:00.000000Z',
    '+300000-01-01T00:00:00.000000Z',
    '300000-01-01T00:00:00.000000Z',
    '2026-02-30T00:00:00.000000Z',
    '2026-01-01T24:00:00.000000Z',
    '2026-01-01T00:00:61.000000Z',
    '2026-01-01T00:00:00.000000+25:00',
    `2026-01-01T00:00:00.${'0'.repeat(200)}Z`,
    '2026-01-01T00:00:00.000000Z\0',
    0,
    null,
  ],
  id: ['', 'x', '0', '00000000-0000-0000-0000-00000000000g', '00000000-0000-0000-0000-000000000000\0', 7],
  number: ['', '-1', '09', '0x1f', '1e3', '1.5', '18446744073709551616', '9'.repeat(40), '1\0', 7],
  text: ['a\0b', 7, null],
} as const

/** Parts that PostgreSQL can read: the limits of what is accepted. */
const READABLE = {
  instant: ['0001-01-01T00:00:00.000000Z', '2024-02-29T23:59:59.999999Z', '9999-12-31T23:59:59.999999Z'],
  id: ['00000000-0000-0000-0000-000000000000', 'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF'],
  number: ['0', '999999999999999999'],
  text: ['', 'ada', '\ud800', '\u202e'],
} as const

export type Part = keyof typeof READABLE

/** A cursor as lists write it. */
export const cursorOf = (position: unknown) => Buffer.from(JSON.stringify(position)).toString('base64url')

/** Positions made of these parts, exactly one of which is unreadable. */
export function* unreadable(...parts: Part[]): Generator<unknown[]> {
  for (const [at, part] of parts.entries())
    for (const wrong of UNREADABLE[part]) yield parts.map((each, n) => (n === at ? wrong : READABLE[each][0]))
}

/** Positions made of these parts, each of which is readable. */
export function* readable(...parts: Part[]): Generator<unknown[]> {
  for (const [at, part] of parts.entries())
    for (const right of READABLE[part]) yield parts.map((each, n) => (n === at ? right : READABLE[each][0]))
}
