/**
 * The English messages of the pages, in ICU MessageFormat. They define the keys and arguments; every other language has the
 * same. `strong` is the only tag.
 */
export const en = {
  'frame.skip': 'Skip to content',
  'frame.user': 'Signed in as <strong>{name}</strong>',
  'frame.console': 'Security console',
  'frame.now': 'just now',
  'frame.back': '{named, select, yes {Back to {app}} other {Back to the application}}',
  'frame.continue': 'Continue',
  'frame.cancel': 'Cancel',
  'frame.busy': 'Signing out. This can take a few seconds.',
  'frame.sign-in': 'Sign in',
  'frame.sign-out': 'Sign out',

  'device.name': '{program} on {system}',
  'device.apple': 'an Apple device',
  'device.program': 'Unknown program',
  'device.bot': 'A bot',
  'device.tv': 'A TV',
  'device.unknown': 'Unknown device',
  'device.this': 'this device',
  'device.seen': 'last seen {when}',
  'device.since': 'signed in {when}',
  'device.sign-out': 'Sign out {device}',
  'device.new': 'New since your last visit',
  'device.place': '{city}, {country}',
  'device.method':
    '{method, select, password {password} passkey {passkey} email {link or code by email} code {one-time code} sso {single sign-on} other {{name}}}',
  'device.id': 'session {id}',

  'devices.title': 'Your devices',
  'devices.lead':
    '{count, plural, one {You are signed in on # device.} other {You are signed in on # devices.}} If you do not recognise a device, sign it out.',
  'devices.only': 'You are signed in on this device only.',
  'devices.everywhere': 'Sign out everywhere',
  'devices.others': 'Sign out all others',
  'devices.local': 'Sign out here',
  'devices.here': 'This device',
  'devices.elsewhere': 'Other devices',
  'devices.none': 'No other device is signed in to your account.',
  'devices.end': 'No more devices.',
  'devices.more':
    'And {count, plural, one {# more device} other {# more devices}}, seen less recently. “Sign out all others” includes them.',
  'devices.pages': 'Pages',
  'devices.newest': 'Most recent',
  'devices.older': 'Less recent',

  'past.title': 'Signed out in the last {days} days',
  'past.when': 'signed out {when}',
  'past.itself': 'on the device itself',
  'past.elsewhere': 'from {device}',
  'past.replaced': 'you signed in again on it',
  'past.staff': 'by our security team',
  'past.other': 'by the application',

  'facts.title': 'Device',
  'facts.program': 'Browser',
  'facts.system': 'System',
  'facts.place': 'Place',
  'facts.address': 'Address',
  'facts.since': 'Signed in',
  'facts.method': 'Way of signing in',
  'facts.seen': 'Last seen',
  'facts.ends': 'Signed in until, if it is not used again',
  'facts.agent': 'What the device says of itself',
  'facts.id': 'Session',
  'facts.back': 'Back to your devices',

  'name.label': 'Name of this device',
  'name.save': 'Save',
  'name.hint': 'Only you and our security team see it.',

  'ended.title':
    '{count, plural, =0 {No other device was signed in} one {# device was signed out} other {# devices were signed out}}',
  'ended.more': '{count, plural, one {# more device} other {# more devices}}',
  'ended.uncounted': '{count, plural, one {and # more} other {and # more}}',

  'logout.title': 'Sign out',
  'logout.question': 'Where do you want to sign out?',
  'logout.local': 'This device',
  'logout.local.detail': '{device}, the one you are using',
  'logout.others': 'All other devices',
  'logout.others.detail': '{count, plural, one {# device} other {# devices}}; you stay signed in here',
  'logout.global': 'Everywhere',
  'logout.global.detail': '{count, plural, one {This device and # other} other {This device and # others}}',
  'logout.only': 'Do you want to sign out on this device?',
  'logout.recent': 'To sign out other devices, sign in again first.',
  'logout.list': '{count, plural, one {Your # other device} other {Your # other devices}}',

  'end.title': 'Sign out this device?',
  'end.lead': 'It is signed out at once. To use your account there again, sign in.',

  'again.title': 'Sign in again',
  'again.lead': 'Your devices are shown after a recent sign-in only. You signed in {when}.',
  'again.advice': 'If you are not asked to sign in, sign out here first.',

  'onward.title': 'You are signed out',
  'onward.others': 'Your other devices are signed out',
  'onward.lead': 'You are being redirected. If nothing happens, select “Continue”.',

  'signed-out.page': 'Signed out',
  'signed-out.title': 'You are signed out',
  'signed-out.everywhere': 'You are signed out everywhere',
  'signed-out.none': 'You are not signed in',
  'signed-out.ended': '{title}:',
  'signed-out.back':
    '{named, select, yes {To sign in again, go to {app}.} other {To sign in again, go back to your application.}}',
  'signed-out.expired': 'Your session expired.',
  'signed-out.idle': 'Your session expired because it was not used for a long time.',
  'signed-out.again': 'You signed in again on this device on {when}.',
  'signed-out.own':
    '{scope, select, global {You signed out everywhere on {when}.} other {You signed out on this device on {when}.}}',
  'signed-out.remote':
    '{scope, select, global {You were signed out everywhere on {when}.} other {You were signed out on {when}.}}',
  'signed-out.staff': 'Our security team signed you out, either just you or a group of users.',
  'signed-out.staff.advice':
    'You can sign in again unless your account is locked. If you did not expect this, contact the security team.',
  'signed-out.origin': 'The sign-out was requested from <strong>{device}</strong>.',
  'signed-out.origin.stayed':
    'The sign-out was requested from <strong>{device}</strong>, which stayed signed in.',
  'signed-out.origin.advice':
    'If this was not you, sign in, check your devices, and secure the account that you sign in with.',
  'signed-out.followed': 'You were signed out in this browser.',
  'signed-out.no-session': 'This browser has no session.',
  'signed-out.two-cookies':
    'Your browser sent two different session cookies. We removed both, and no session was ended.',
  'signed-out.two-cookies.advice': 'Please sign in again. You can then sign out everywhere.',

  'error.retry': 'Try again',
  'error.resend': 'To submit the form again, reload this page.',
  'error.request': 'Request {id}',
  'error.refused': 'We cannot accept this request',
  'error.refused.text': 'It changed nothing. Open your devices and try again from there.',
  'error.not-staff': 'This is for security staff',
  'error.not-staff.text': 'If you need access, ask an administrator for the role “security” or “auditor”.',
  'error.not-found': 'This page does not exist',
  'error.not-found.text': 'Check the address. The page may have moved.',
  'error.cross-origin': 'Request refused',
  'error.cross-origin.text':
    'We could not confirm that this request came from this site. It changed nothing. Open your devices and try again from there.',
  'error.unavailable': 'Please try again in a moment',
  'error.unavailable.text': 'Something is temporarily unavailable on our side. This request changed nothing.',
  'error.unknown': 'We do not know whether it worked',
  'error.unknown.text':
    'We lost the connection to our database before it confirmed your request. Please try again; repeating the request does no harm.',
  'error.internal': 'Something went wrong on our side',
  'error.internal.text':
    'We could not complete your request. If this happens again, contact us with the request number below.',
} as const

export type MessageKey = keyof typeof en
export type Messages = Readonly<Record<MessageKey, string>>
