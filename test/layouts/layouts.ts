/**
 * Databases of applications beside which the service has to work. Each has a user Ada, and most a session with the token
 * `raw-token-1`. One file of SQL a layout; this list says where its sessions and users are.
 */
import { readFile } from 'node:fs/promises'

export interface Layout {
  /** The arguments of `global-logout import`; null where the table has no raw token of Auth.js, or no user. */
  import: { table: string; token?: string; user?: string; expires?: string } | null
  users: { table: string; id: string; email?: string; name?: string }
  /** Ada's id, as text. Null: made by the database. */
  ada: string | null
}

const stockUsers = { table: 'public.user', id: 'id', email: 'email', name: 'name' }
const stock: Layout = { import: { table: 'public.session' }, users: stockUsers, ada: 'u1' }

export const LAYOUTS = {
  stock,
  'adapter-1.0': stock,
  'own-columns': stock,
  'our-names': stock,
  'row-security': stock,
  'default-privileges': stock,
  plural: {
    import: { table: 'public.sessions' },
    users: { ...stockUsers, table: 'public.users' },
    ada: 'u1',
  },
  'schema-auth': {
    import: { table: 'auth.session' },
    users: { ...stockUsers, table: 'auth.user' },
    ada: 'u1',
  },
  'uuid-ids': { import: { table: 'public.session' }, users: stockUsers, ada: null },
  'serial-ids': {
    import: {
      table: 'public.app_session',
      token: 'session_token',
      user: 'user_id',
      expires: 'expires_at',
    },
    users: { table: 'public.app_user', id: 'id', email: 'email_address', name: 'display_name' },
    ada: '1',
  },
  prisma: {
    import: { table: 'public.Session' },
    users: { ...stockUsers, table: 'public.User' },
    ada: 'clx1',
  },
  'prisma-mapped': { import: { table: 'public.session' }, users: stockUsers, ada: 'clx1' },
  'pg-adapter': {
    import: { table: 'public.sessions' },
    users: { ...stockUsers, table: 'public.users' },
    ada: '1',
  },
  'better-auth': { import: null, users: stockUsers, ada: 'b1' },
  'connect-pg-simple': {
    import: null,
    users: { table: 'public.users', id: 'id', email: 'email' },
    ada: '1',
  },
} as const satisfies Record<string, Layout>

export type LayoutName = keyof typeof LAYOUTS
export const LAYOUT_NAMES = Object.keys(LAYOUTS) as LayoutName[]

/** The SQL that makes the tables of a layout in an empty database. */
export function layoutSql(name: LayoutName): Promise<string> {
  return readFile(new URL(`${name}.sql`, import.meta.url), 'utf8')
}
