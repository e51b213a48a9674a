/** What a person sees when something cannot be done, and what to do about it. */
import { html, type SafeHtml } from '@remix-run/html-template'
import { layout } from './layout.ts'

export function errorPage(problem: {
  status: number
  title: string
  detail: string
  requestId: string
}): SafeHtml {
  const later = problem.status === 503
  return layout({
    title: problem.title,
    body: html`
<h1>${problem.title}</h1>
<p>${problem.detail}</p>
${later ? html`<p>You have not been signed out. Try again in a moment.</p>` : ''}
<nav class="actions" aria-label="Continue"><a class="button" href="/">Your devices</a></nav>
<p class="since">Request ${problem.requestId}</p>`,
  })
}
