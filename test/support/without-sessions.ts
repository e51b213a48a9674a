/**
 * While `work` runs, session data can be neither read nor written: each query fails at once, though the
 * database answers.
 */
import type { TestDatabase } from './database.ts'

const AWAY =
  'alter table session rename to away; alter function check_tokens(text[]) rename to check_tokens_away'
const BACK =
  'alter table away rename to session; alter function check_tokens_away(text[]) rename to check_tokens'

export async function withoutSessions(
  { psql }: Pick<TestDatabase, 'psql'>,
  work: () => Promise<unknown>,
): Promise<void> {
  await psql(AWAY)
  try {
    await work()
  } finally {
    await psql(BACK)
  }
}
