/** The roles of staff. Without imports, so that the command line's help loads nothing else. */
export const STAFF_ROLES = ['security', 'auditor'] as const
export type StaffRole = (typeof STAFF_ROLES)[number]
