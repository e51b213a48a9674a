/** Ends what was started, in reverse order. A step that fails does not stop the others. */
export type Cleanup = ReturnType<typeof createCleanup>

export function createCleanup() {
  const steps: (() => Promise<unknown>)[] = []
  return {
    add(step: () => Promise<unknown>): void {
      steps.push(step)
    },

    /** Runs all steps, once. @throws AggregateError with what failed. */
    async run(): Promise<void> {
      const errors: unknown[] = []
      for (const step of steps.splice(0).reverse())
        await step().catch((error: unknown) => void errors.push(error))
      if (errors.length > 0) throw new AggregateError(errors, 'not everything could be closed')
    },
  }
}
