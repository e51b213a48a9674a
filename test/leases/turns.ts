/**
 * To be imported first: in simulated time a turn of the event loop ends after some turns of promises, so that all calls of one instant
 * share a query. The real `setImmediate` would wait for real time.
 */
const AFTER_TURNS = 10

globalThis.setImmediate = (async (start: () => void) => {
  for (let turn = 0; turn < AFTER_TURNS; turn++) await null
  start()
}) as unknown as typeof setImmediate
