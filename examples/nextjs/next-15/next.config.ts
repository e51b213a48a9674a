import { rewrites } from '@global-logout/client/next'
import type { NextConfig } from 'next'

export default { rewrites } satisfies NextConfig
