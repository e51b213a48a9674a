'use server'
import { withSession } from '@global-logout/client/next'
import { cookies } from 'next/headers'
import * as inProcess from '../../in-process'

async function act({ userId }: { userId: string }, form: FormData): Promise<void> {
  const jar = await cookies()
  jar.set('done', `${userId} ${form.get('word')}`)
}

export const overHttp = withSession(act)
export const here = inProcess.withSession(act)
