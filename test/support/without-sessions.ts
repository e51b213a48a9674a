/**
 * While `work` runs, session data can be neither read nor written: each query fails at once, though the
 * database answers.
 */
import type { TestDatabase } from './database.ts'

const READS = ['check_tokens', 'read_tokens']

const AWAY = ['alter table session rename to away', ...READS.map((name) => rename(name, `${name}_away`))]
const BACK = ['alter table away rename to session', ...READS.map((name) => rename(`${name}_away`, name))]

function rename(from: string, to: string): string {
  return `alter function ${from}(text[]) rename to ${to}`
}

export async function withoutSessions(
  { psql }: Pick<TestDatabase, 'psql'>,
  work: () => Promise<unknown>,
): Promise<void> {
  await psql(AWAY.join('; '))
  try {
    await work()
  } finally {
    await psql(BACK.join('; '))
  }
}
