/** Prints progress, one line for each step, to stderr: stdout is for results. */
const began = Date.now()

export function progress(line: string): void {
  const seconds = Math.round((Date.now() - began) / 1000)
  const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
  process.stderr.write(`${clock.padStart(6)}  ${line}\n`)
}
