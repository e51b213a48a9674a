/** A finding of `global-logout doctor`: what was checked, and what to do about it. */

export interface Finding {
  level: 'ok' | 'warning' | 'problem'
  /** What was checked. */
  what: string
  /** What was found, and what to do about it. */
  detail: string
}

/** Runs a query that returns one row. @returns its columns. */
export type Query = <Row extends unknown[]>(text: string) => Promise<Row>

export const ok = (what: string, detail: string): Finding => ({ level: 'ok', what, detail })
export const warning = (what: string, detail: string): Finding => ({ level: 'warning', what, detail })
export const problem = (what: string, detail: string): Finding => ({ level: 'problem', what, detail })
