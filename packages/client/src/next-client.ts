'use client'
/**
 * Sign-out in the pages of an application of Next. A page leaves only when the service has confirmed the end of its session. The
 * paths of the service must lead to it: `createProxy()`, `rewrites()` or a gateway.
 */
import { createElement, type ReactElement, type ReactNode, useEffect, useState } from 'react'
import { type Clearing, type LogoutScope, logout, NotSignedOutError } from './browser.ts'
import { onSessionEnd } from './next-events.ts'

export interface LogoutButtonProps {
  /** This device (`local`, the default), all other devices (`others`), or all devices (`global`). */
  scope?: LogoutScope
  /** Where to go afterwards. Default: the service's page of what has ended, `/signed-out`, or `/devices` for `others`. */
  callbackUrl?: string
  /** What to clear after this browser is signed out. */
  clear?: readonly Clearing[]
  className?: string
  children?: ReactNode
}

const LABELS: Record<LogoutScope, string> = {
  local: 'Sign out',
  others: 'Sign out all other devices',
  global: 'Sign out everywhere',
}

/**
 * Milliseconds for what this page does itself: a form, or the button, loads the next page, and must not be overtaken by the news of
 * the sign-out that it caused. The answer would be lost, and with it the removal of the cookie.
 */
const OWN_MS = 5_000
let submittedAt = Number.NEGATIVE_INFINITY
const submitted = () => {
  submittedAt = performance.now()
}
/** The user may think about the question for longer than `OWN_MS`. */
const ask = (question: string) => {
  const answer = window.confirm(question)
  submitted()
  return answer
}

/** A button that asks for confirmation, signs out and leaves. Without JavaScript it leads to the service's page `/logout`. */
export function LogoutButton({
  scope = 'local',
  callbackUrl,
  clear,
  className,
  children = LABELS[scope],
}: LogoutButtonProps): ReactElement {
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState('')

  async function signOut(): Promise<void> {
    setBusy(true)
    setProblem('')
    try {
      // True: the page is about to leave, and the button stays busy until then.
      const options = { scope, confirm: ask, ...(callbackUrl && { callbackUrl }), ...(clear && { clear }) }
      if (await logout(options)) return
    } catch (error) {
      setProblem(error instanceof NotSignedOutError ? error.message : 'Not signed out: try again.')
      if (!(error instanceof NotSignedOutError)) reportError(error)
    }
    setBusy(false)
  }

  const onSubmit = (event: { preventDefault(): void }) => {
    event.preventDefault()
    void signOut()
  }
  const hidden = (name: string, value: string) => createElement('input', { type: 'hidden', name, value })
  return createElement(
    'form',
    { action: '/logout', method: 'get', onSubmit },
    hidden('scope', scope),
    callbackUrl ? hidden('callbackUrl', callbackUrl) : null,
    createElement('button', { type: 'submit', disabled: busy, className }, children),
    problem ? createElement('p', { role: 'alert' }, problem) : null,
  )
}

/**
 * Leaves the page when its session ends elsewhere, for pages of signed-in users.
 * @param to where to go. Default: the service's page that says why.
 */
export function useSignedOut(to = '/signed-out?followed'): void {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>
    const leave = () => {
      const left = submittedAt + OWN_MS - performance.now()
      timer = setTimeout(() => location.replace(to), Math.max(0, left))
    }
    const stop = onSessionEnd(leave)
    addEventListener('submit', submitted, true)
    return () => {
      stop()
      clearTimeout(timer)
      removeEventListener('submit', submitted, true)
    }
  }, [to])
}

/** `useSignedOut(to)` for server components: `<LeaveOnSignOut />` in a page of signed-in users. */
export function LeaveOnSignOut({ to }: { to?: string }): null {
  useSignedOut(to)
  return null
}
