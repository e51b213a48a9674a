/** The error pages of the console, each with a way to continue. */
import { html, type SafeHtml } from '@remix-run/html-template'
import type { ErrorCode } from '../../errors.ts'
import { quoted } from '../../ui/format.ts'
import { consolePage, type Section, type Viewer } from './frame.ts'
import { revokeHref } from './parts.ts'

const WORDS: { [code in ErrorCode]?: { title: string; text: string } } = {
  not_found: { title: 'This page does not exist', text: 'The address may be mistyped.' },
  user_not_found: {
    title: 'There is no such user',
    text: 'No user here has this id. The account may have been deleted: its history is still in the audit log. Or the user has not come since your application adopted this service.',
  },
  session_not_found: {
    title: 'None of these sessions is left',
    text: 'They have ended before, or never were of this user. Nothing was changed.',
  },
  incident_not_found: { title: 'There is no such incident', text: 'The address may be mistyped.' },
  operation_not_found: { title: 'There is no such operation', text: 'The address may be mistyped.' },
  incident_not_open: {
    title: 'This plan has expired',
    text: 'No session was ended. Plan again and review the new numbers.',
  },
  approval_required: {
    title: 'This plan needs the approval of a second person',
    text: 'No session was ended. Ask a colleague with the role "security" to open the plan and approve it.',
  },
  second_person_required: {
    title: 'Another person has to approve this plan',
    text: 'Nothing was changed. Who planned an incident cannot approve it.',
  },
  read_only: {
    title: 'Auditors have read-only access',
    text: 'Nothing was changed. Ask a colleague with the role "security".',
  },
}

export interface ConsoleProblem {
  viewer: Viewer
  section: Section
  problem: { code: ErrorCode; detail: string }
  /** The affected user. */
  userId?: string | undefined
}

export function consoleProblemPage({ viewer, section, problem, userId }: ConsoleProblem): SafeHtml {
  const { title, text } = WORDS[problem.code] ?? { title: 'The action failed', text: problem.detail }
  return consolePage({
    title,
    viewer,
    section,
    card: 'nothing',
    body: html`
<h1>${title}</h1>
<p class="lead">${quoted(text)}</p>
<nav class="actions" aria-label="Continue">
<a class="button primary" href="/admin/users">Find a user</a>
${
  problem.code === 'user_not_found' && userId
    ? html`<a class="button" href="/admin/audit?${String(new URLSearchParams({ user: userId }))}">Audit log of this id</a>
${viewer.role === 'security' ? html`<a class="button" href="${revokeHref(userId)}">End sessions of this id…</a>` : ''}`
    : ''
}
<a class="button" href="/admin">Overview</a>
</nav>`,
  })
}
