/** `/sessions/:id`: all that is known of one device, its name, and the way to sign it out. */
import { html, type SafeHtml } from '@remix-run/html-template'
import { MAX_DEVICE_NAME } from '../../operations/schema.ts'
import { quoted } from '../../ui/format.ts'
import { layout } from '../../ui/layout.ts'
import type { MessageKey } from '../../ui/messages/en.ts'
import type { PageView } from '../../ui/view.ts'
import { describeDevice } from '../devices.ts'
import type { PlaceOf } from '../places.ts'
import type { Session, User } from '../schema.ts'
import { methodText, nameOf, placeText } from './device.ts'

export interface DevicePage {
  view: PageView
  user: User
  current: Session
  session: Session
  placeOf: PlaceOf
}

export function devicePage({ view, user, current, session, placeOf }: DevicePage): SafeHtml {
  const { text, say, when, on } = view
  const { id, deviceName: given, userAgent, ipAddress, signInMethod: method } = session
  const place = placeText(view, placeOf(session, new Intl.Locale(view.locale).language))
  const isCurrent = id === current.id
  const fact = (name: MessageKey, value: SafeHtml | string | null) =>
    value ? html`<div><dt>${say(name)}</dt><dd>${value}</dd></div>` : ''
  return layout({
    view,
    title: text('facts.title'),
    user,
    current,
    body: html`
<h1>${given === null ? nameOf(view, session) : quoted(given)}</h1>
${isCurrent ? html`<p><strong class="badge">${say('device.this')}</strong></p>` : ''}
<dl class="device-facts">
${fact('facts.program', nameOf(view, session, { version: true }))}
${fact('facts.system', describeDevice(userAgent).os)}
${fact('facts.place', place && html`<bdi>${place}</bdi>`)}
${fact('facts.address', ipAddress && html`<bdi class="address">${ipAddress}</bdi>`)}
${fact('facts.since', when(session.createdAt, true))}
${fact('facts.method', method && methodText(view, method))}
${fact('facts.seen', isCurrent ? text('frame.now') : when(session.lastSeenAt, true))}
${fact('facts.ends', on(session.endsAt))}
${fact('facts.agent', userAgent && quoted(userAgent))}
${fact('facts.id', html`<bdi>${id}</bdi>`)}
</dl>
<form method="post" action="/sessions/${id}/name">
<label for="name">${say('name.label')}</label>
<div class="device-name"><input id="name" name="name" value="${given ?? ''}" maxlength="${MAX_DEVICE_NAME}" autocomplete="off" dir="auto" aria-describedby="hint">
<button>${say('name.save')}</button></div>
<p id="hint" class="quiet">${say('name.hint')}</p>
</form>
<nav class="actions" aria-label="${text('frame.continue')}">
<a class="button" href="/devices">${say('facts.back')}</a>
<a class="button danger" href="${isCurrent ? '/logout' : `/sessions/${id}/end`}">${say('frame.sign-out')}</a>
</nav>`,
  })
}
