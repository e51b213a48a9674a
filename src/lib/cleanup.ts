/** Closes resources in the reverse order of their opening. A step that fails does not stop the others. */
export type Cleanup = ReturnType<typeof createCleanup>

export function createCleanup() {
  const steps: (() => Promise<unknown>)[] = []
  return {
    add(step: () => Promise<unknown>): void {
      steps.push(step)
    },

    /** Runs all steps, once. @throws AggregateError with the errors of the steps. */
    async run(): Promise<void> {
      const errors: unknown[] = []
      for (const step of steps.splice(0).reverse())
        await step().catch((error: unknown) => void errors.push(error))
      if (errors.length > 0) throw new AggregateError(errors, 'some resources could not be closed')
    },
  }
}
