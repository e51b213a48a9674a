import { memoryAdapter } from '../../memory-adapter.ts'
export const { adapter } = memoryAdapter()
import type { PrismaAdapter } from '@auth/prisma-adapter'
export const prisma = (globalThis as { prismaOfTheTest?: unknown }).prismaOfTheTest as Parameters<typeof PrismaAdapter>[0]