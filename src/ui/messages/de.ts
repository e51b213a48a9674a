import type { Messages } from './en.ts'

export const de: Messages = {
  'frame.skip': 'Zum Inhalt springen',
  'frame.user': 'Angemeldet als <strong>{name}</strong>',
  'frame.console': 'Sicherheitskonsole',
  'frame.now': 'gerade eben',
  'frame.back': '{named, select, yes {Zurück zu {app}} other {Zurück zur Anwendung}}',
  'frame.continue': 'Weiter',
  'frame.cancel': 'Abbrechen',
  'frame.busy': 'Sie werden abgemeldet. Das kann einige Sekunden dauern.',
  'frame.sign-in': 'Anmelden',
  'frame.sign-out': 'Abmelden',

  'device.name': '{program} auf {system}',
  'device.apple': 'einem Apple-Gerät',
  'device.program': 'Unbekanntes Programm',
  'device.bot': 'Ein Bot',
  'device.tv': 'Ein Fernseher',
  'device.unknown': 'Unbekanntes Gerät',
  'device.this': 'dieses Gerät',
  'device.seen': 'zuletzt aktiv {when}',
  'device.since': 'angemeldet {when}',
  'device.sign-out': '{device} abmelden',
  'device.new': 'Neu seit Ihrem letzten Besuch',
  'device.place': '{city}, {country}',
  'device.method':
    '{method, select, password {Passwort} passkey {Passkey} email {Link oder Code per E-Mail} code {Einmalcode} sso {Single Sign-on} other {{name}}}',
  'device.id': 'Sitzung {id}',

  'devices.title': 'Ihre Geräte',
  'devices.lead':
    '{count, plural, one {Sie sind auf # Gerät angemeldet.} other {Sie sind auf # Geräten angemeldet.}} Wenn Sie ein Gerät nicht kennen, melden Sie es ab.',
  'devices.only': 'Sie sind nur auf diesem Gerät angemeldet.',
  'devices.everywhere': 'Überall abmelden',
  'devices.others': 'Alle anderen abmelden',
  'devices.local': 'Hier abmelden',
  'devices.here': 'Dieses Gerät',
  'devices.elsewhere': 'Andere Geräte',
  'devices.none': 'Kein anderes Gerät ist bei Ihrem Konto angemeldet.',
  'devices.end': 'Keine weiteren Geräte.',
  'devices.more':
    'Und {count, plural, one {# weiteres Gerät, das länger nicht aktiv war} other {# weitere Geräte, die länger nicht aktiv waren}}. „Alle anderen abmelden“ schließt sie ein.',
  'devices.pages': 'Seiten',
  'devices.newest': 'Zuletzt aktive',
  'devices.older': 'Früher aktive',

  'past.title': 'In den letzten {days} Tagen abgemeldet',
  'past.when': 'abgemeldet {when}',
  'past.itself': 'auf dem Gerät selbst',
  'past.elsewhere': 'von {device} aus',
  'past.replaced': 'Sie haben sich darauf neu angemeldet',
  'past.staff': 'durch unser Sicherheitsteam',
  'past.other': 'durch die Anwendung',

  'facts.title': 'Gerät',
  'facts.program': 'Browser',
  'facts.system': 'System',
  'facts.place': 'Ort',
  'facts.address': 'Adresse',
  'facts.since': 'Angemeldet',
  'facts.method': 'Art der Anmeldung',
  'facts.seen': 'Zuletzt aktiv',
  'facts.ends': 'Angemeldet bis, wenn es nicht mehr benutzt wird',
  'facts.agent': 'Was das Gerät über sich sagt',
  'facts.id': 'Sitzung',
  'facts.back': 'Zurück zu Ihren Geräten',

  'name.label': 'Name dieses Geräts',
  'name.save': 'Speichern',
  'name.hint': 'Nur Sie und unser Sicherheitsteam sehen ihn.',

  'ended.title':
    '{count, plural, =0 {Kein anderes Gerät war angemeldet} one {# Gerät wurde abgemeldet} other {# Geräte wurden abgemeldet}}',
  'ended.more': '{count, plural, one {# weiteres Gerät} other {# weitere Geräte}}',
  'ended.uncounted': '{count, plural, one {und # weiteres} other {und # weitere}}',

  'logout.title': 'Abmelden',
  'logout.question': 'Wo möchten Sie sich abmelden?',
  'logout.local': 'Auf diesem Gerät',
  'logout.local.detail': '{device}, mit dem Sie gerade arbeiten',
  'logout.others': 'Auf allen anderen Geräten',
  'logout.others.detail': '{count, plural, one {# Gerät} other {# Geräte}}; hier bleiben Sie angemeldet',
  'logout.global': 'Überall',
  'logout.global.detail':
    '{count, plural, one {Dieses Gerät und # anderes} other {Dieses Gerät und # andere}}',
  'logout.only': 'Möchten Sie sich auf diesem Gerät abmelden?',
  'logout.recent': 'Um andere Geräte abzumelden, melden Sie sich zuerst neu an.',
  'logout.list': '{count, plural, one {Ihr # anderes Gerät} other {Ihre # anderen Geräte}}',

  'end.title': 'Dieses Gerät abmelden?',
  'end.lead': 'Es wird sofort abgemeldet. Um Ihr Konto dort wieder zu nutzen, melden Sie sich neu an.',

  'again.title': 'Bitte melden Sie sich neu an',
  'again.lead':
    'Ihre Geräte sehen Sie nur, wenn Sie sich vor Kurzem angemeldet haben. Ihre letzte Anmeldung: {when}.',
  'again.advice': 'Falls Sie nicht nach einer Anmeldung gefragt werden, melden Sie sich hier zuerst ab.',

  'onward.title': 'Sie sind abgemeldet',
  'onward.others': 'Ihre anderen Geräte sind abgemeldet',
  'onward.lead': 'Sie werden weitergeleitet. Falls nichts geschieht, wählen Sie „Weiter“.',

  'signed-out.page': 'Abgemeldet',
  'signed-out.title': 'Sie sind abgemeldet',
  'signed-out.everywhere': 'Sie sind überall abgemeldet',
  'signed-out.none': 'Sie sind nicht angemeldet',
  'signed-out.ended': '{title}:',
  'signed-out.back':
    '{named, select, yes {Um sich wieder anzumelden, gehen Sie zu {app}.} other {Um sich wieder anzumelden, gehen Sie zurück zu Ihrer Anwendung.}}',
  'signed-out.expired': 'Ihre Sitzung ist abgelaufen.',
  'signed-out.idle': 'Ihre Sitzung ist abgelaufen, weil sie lange nicht benutzt wurde.',
  'signed-out.again': 'Sie haben sich am {when} auf diesem Gerät neu angemeldet.',
  'signed-out.own':
    '{scope, select, global {Sie haben sich am {when} überall abgemeldet.} other {Sie haben sich am {when} auf diesem Gerät abgemeldet.}}',
  'signed-out.remote':
    '{scope, select, global {Sie wurden am {when} überall abgemeldet.} other {Sie wurden am {when} abgemeldet.}}',
  'signed-out.staff':
    'Unser Sicherheitsteam hat Sie abgemeldet, entweder nur Sie oder eine Gruppe von Nutzern.',
  'signed-out.staff.advice':
    'Sie können sich wieder anmelden, sofern Ihr Konto nicht gesperrt ist. Falls Sie das nicht erwartet haben, wenden Sie sich an das Sicherheitsteam.',
  'signed-out.origin': 'Die Abmeldung kam von <strong>{device}</strong>.',
  'signed-out.origin.stayed':
    'Die Abmeldung kam von <strong>{device}</strong>; dieses Gerät ist weiterhin angemeldet.',
  'signed-out.origin.advice':
    'Falls Sie das nicht waren, melden Sie sich an, prüfen Sie Ihre Geräte und sichern Sie das Konto, mit dem Sie sich anmelden.',
  'signed-out.followed': 'Sie wurden in diesem Browser abgemeldet.',
  'signed-out.no-session': 'In diesem Browser gibt es keine Sitzung.',
  'signed-out.two-cookies':
    'Ihr Browser hat zwei verschiedene Sitzungs-Cookies gesendet. Wir haben beide entfernt; keine Sitzung wurde beendet.',
  'signed-out.two-cookies.advice':
    'Bitte melden Sie sich wieder an. Danach können Sie sich überall abmelden.',

  'error.retry': 'Erneut versuchen',
  'error.resend': 'Um das Formular erneut zu senden, laden Sie diese Seite neu.',
  'error.request': 'Anfrage {id}',
  'error.refused': 'Diese Anfrage können wir nicht annehmen',
  'error.refused.text':
    'Es wurde nichts geändert. Öffnen Sie Ihre Geräte und versuchen Sie es dort noch einmal.',
  'error.not-staff': 'Diese Seite ist für das Sicherheitsteam',
  'error.not-staff.text':
    'Wenn Sie Zugang benötigen, bitten Sie die Administration um die Rolle „security“ oder „auditor“.',
  'error.not-found': 'Diese Seite gibt es nicht',
  'error.not-found.text': 'Prüfen Sie die Adresse. Vielleicht wurde die Seite verschoben.',
  'error.cross-origin': 'Anfrage abgelehnt',
  'error.cross-origin.text':
    'Wir konnten nicht feststellen, dass diese Anfrage von dieser Website kam. Es wurde nichts geändert. Öffnen Sie Ihre Geräte und versuchen Sie es dort noch einmal.',
  'error.unavailable': 'Bitte versuchen Sie es gleich noch einmal',
  'error.unavailable.text':
    'Bei uns ist vorübergehend etwas nicht verfügbar. Durch diese Anfrage wurde nichts geändert.',
  'error.unknown': 'Wir wissen nicht, ob es gelungen ist',
  'error.unknown.text':
    'Die Verbindung zu unserer Datenbank brach ab, bevor sie Ihre Anfrage bestätigt hat. Bitte versuchen Sie es noch einmal; eine Wiederholung schadet nicht.',
  'error.internal': 'Bei uns ist ein Fehler aufgetreten',
  'error.internal.text':
    'Wir konnten Ihre Anfrage nicht ausführen. Falls das wieder geschieht, nennen Sie uns die Nummer der Anfrage, die unten steht.',
}
