import type { NextConfig } from 'next'

export default {
  // The proxy sees which requests are prefetches: they do not extend an idle session.
  skipProxyUrlNormalize: true,
  turbopack: { root: import.meta.dirname },
} satisfies NextConfig
