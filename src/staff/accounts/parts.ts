/** What to know where only beginnings were looked for. */
export const PARTS = {
  short: 'Only beginnings were looked for: any part takes three characters.',
  unavailable:
    'Only beginnings were looked for: this database has no index for parts of names and addresses. "global-logout doctor" says how to make it.',
} as const
