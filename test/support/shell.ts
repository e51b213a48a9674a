/** Words of a command line for a shell. */

/** The word in single quotes, whatever characters it has. */
export function shellWord(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}
