/**
 * Names of tests that belong to the matrix of layouts, drivers and strategies: `npm run matrix` finds the
 * marks at their ends in the results of the last run, and prints which test tried which combination.
 */

export interface Cell {
  /** The tables of the application: a name of test/layouts, or of an adapter. */
  layout: string
  /** How the application reaches our sessions. */
  driver: string
  /** Where Auth.js keeps its sessions. */
  strategy: 'database' | 'jwt' | 'credentials'
}

/** The name of a test, with its place in the matrix. */
export function cell(sentence: string, { layout, driver, strategy }: Cell): string {
  return `${sentence} [${layout} · ${driver} · ${strategy}]`
}

/** @returns the sentence and its place, or null for a name without a mark. */
export function parseCell(name: string): (Cell & { sentence: string }) | null {
  const [whole, sentence = '', layout = '', driver = '', strategy = ''] =
    /^(.*) \[(.+?) · (.+?) · (.+?)\]$/.exec(name) ?? []
  return whole === undefined ? null : { sentence, layout, driver, strategy: strategy as Cell['strategy'] }
}
