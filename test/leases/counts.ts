/** What a simulation counts besides its runs. `simulate.ts` prints the sums. */
export const COUNTS = [
  'checks',
  'valid',
  'hits',
  'logouts',
  'waits',
  'lapses',
  'early',
  'granted',
  'suspended',
] as const
