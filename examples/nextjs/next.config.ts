import type { NextConfig } from 'next'

export default {
  // The proxy sees which requests are prefetches: they do not keep an idle session alive.
  skipProxyUrlNormalize: true,
  turbopack: { root: import.meta.dirname },
} satisfies NextConfig
