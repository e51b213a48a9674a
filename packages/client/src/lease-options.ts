/** Options of leased checks. Apart, because the types of what is shared with the service are not shipped. */
export interface LeaseOptions {
  /** The most sessions that are kept, at up to 300 bytes each: 100,000 by default. */
  max?: number | undefined
  /** Called once when there is no lease, and again only after there was one. By default it writes to the console. */
  onError?: ((error: unknown) => unknown) | undefined
}
