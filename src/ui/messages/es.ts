import type { Messages } from './en.ts'

export const es: Messages = {
  'frame.skip': 'Ir al contenido',
  'frame.user': 'Ha iniciado sesión como <strong>{name}</strong>',
  'frame.console': 'Consola de seguridad',
  'frame.now': 'ahora mismo',
  'frame.back': '{named, select, yes {Volver a {app}} other {Volver a la aplicación}}',
  'frame.continue': 'Continuar',
  'frame.cancel': 'Cancelar',
  'frame.busy': 'Cerrando la sesión. Puede tardar unos segundos.',
  'frame.sign-in': 'Iniciar sesión',
  'frame.sign-out': 'Cerrar sesión',

  'device.name': '{program} en {system}',
  'device.apple': 'un dispositivo Apple',
  'device.program': 'Programa desconocido',
  'device.bot': 'Un bot',
  'device.tv': 'Un televisor',
  'device.unknown': 'Dispositivo desconocido',
  'device.this': 'este dispositivo',
  'device.seen': 'última actividad: {when}',
  'device.since': 'inicio de sesión: {when}',
  'device.sign-out': 'Cerrar la sesión de {device}',
  'device.new': 'Nuevo desde su última visita',
  'device.place': '{city}, {country}',
  'device.method':
    '{method, select, password {contraseña} passkey {clave de acceso} email {enlace o código por correo} code {código de un solo uso} sso {inicio de sesión único} other {{name}}}',
  'device.id': 'sesión {id}',

  'devices.title': 'Sus dispositivos',
  'devices.lead':
    '{count, plural, one {Tiene la sesión iniciada en # dispositivo.} other {Tiene la sesión iniciada en # dispositivos.}} Si no reconoce un dispositivo, cierre su sesión.',
  'devices.only': 'Solo tiene la sesión iniciada en este dispositivo.',
  'devices.everywhere': 'Cerrar sesión en todas partes',
  'devices.others': 'Cerrar las demás sesiones',
  'devices.local': 'Cerrar sesión aquí',
  'devices.here': 'Este dispositivo',
  'devices.elsewhere': 'Otros dispositivos',
  'devices.none': 'Ningún otro dispositivo tiene la sesión iniciada en su cuenta.',
  'devices.end': 'No hay más dispositivos.',
  'devices.more':
    'Y {count, plural, one {# dispositivo más, menos reciente} other {# dispositivos más, menos recientes}}. «Cerrar las demás sesiones» los incluye.',
  'devices.pages': 'Páginas',
  'devices.newest': 'Más recientes',
  'devices.older': 'Menos recientes',

  'past.title': 'Sesiones cerradas en los últimos {days} días',
  'past.when': 'cierre de sesión: {when}',
  'past.itself': 'en el propio dispositivo',
  'past.elsewhere': 'desde {device}',
  'past.replaced': 'volvió a iniciar sesión en él',
  'past.staff': 'por nuestro equipo de seguridad',
  'past.other': 'por la aplicación',

  'facts.title': 'Dispositivo',
  'facts.program': 'Navegador',
  'facts.system': 'Sistema',
  'facts.place': 'Lugar',
  'facts.address': 'Dirección',
  'facts.since': 'Inicio de sesión',
  'facts.method': 'Forma de inicio de sesión',
  'facts.seen': 'Última actividad',
  'facts.ends': 'Sesión iniciada hasta, si no se usa de nuevo',
  'facts.agent': 'Lo que el dispositivo dice de sí mismo',
  'facts.id': 'Sesión',
  'facts.back': 'Volver a sus dispositivos',

  'name.label': 'Nombre de este dispositivo',
  'name.save': 'Guardar',
  'name.hint': 'Solo usted y nuestro equipo de seguridad lo ven.',

  'ended.title':
    '{count, plural, =0 {Ningún otro dispositivo tenía la sesión iniciada} one {Se cerró la sesión en # dispositivo} other {Se cerró la sesión en # dispositivos}}',
  'ended.more': '{count, plural, one {# dispositivo más} other {# dispositivos más}}',
  'ended.uncounted': '{count, plural, one {y # más} other {y # más}}',

  'logout.title': 'Cerrar sesión',
  'logout.question': '¿Dónde quiere cerrar sesión?',
  'logout.local': 'En este dispositivo',
  'logout.local.detail': '{device}, el que está usando',
  'logout.others': 'En todos los demás dispositivos',
  'logout.others.detail':
    '{count, plural, one {# dispositivo} other {# dispositivos}}; aquí su sesión sigue abierta',
  'logout.global': 'En todas partes',
  'logout.global.detail': '{count, plural, one {Este dispositivo y # más} other {Este dispositivo y # más}}',
  'logout.only': '¿Quiere cerrar sesión en este dispositivo?',
  'logout.recent': 'Para cerrar la sesión de otros dispositivos, inicie sesión de nuevo.',
  'logout.list': '{count, plural, one {Su otro dispositivo (#)} other {Sus otros # dispositivos}}',

  'end.title': '¿Cerrar la sesión de este dispositivo?',
  'end.lead': 'Se cerrará de inmediato. Para volver a usar su cuenta en él, inicie sesión.',

  'again.title': 'Inicie sesión de nuevo',
  'again.lead':
    'Sus dispositivos solo se muestran tras un inicio de sesión reciente. Su último inicio de sesión: {when}.',
  'again.advice': 'Si no se le pide iniciar sesión, cierre antes la sesión aquí.',

  'onward.title': 'Ha cerrado la sesión',
  'onward.others': 'Se cerró la sesión en sus otros dispositivos',
  'onward.lead': 'Le estamos redirigiendo. Si no ocurre nada, elija «Continuar».',

  'signed-out.page': 'Sesión cerrada',
  'signed-out.title': 'Su sesión está cerrada',
  'signed-out.everywhere': 'Su sesión está cerrada en todas partes',
  'signed-out.none': 'No ha iniciado sesión',
  'signed-out.ended': '{title}:',
  'signed-out.back':
    '{named, select, yes {Para volver a iniciar sesión, vaya a {app}.} other {Para volver a iniciar sesión, regrese a su aplicación.}}',
  'signed-out.expired': 'Su sesión ha caducado.',
  'signed-out.idle': 'Su sesión ha caducado porque no se usó durante mucho tiempo.',
  'signed-out.again': 'Volvió a iniciar sesión en este dispositivo el {when}.',
  'signed-out.own':
    '{scope, select, global {Cerró sesión en todas partes el {when}.} other {Cerró sesión en este dispositivo el {when}.}}',
  'signed-out.remote':
    '{scope, select, global {Su sesión se cerró en todas partes el {when}.} other {Su sesión se cerró el {when}.}}',
  'signed-out.staff':
    'Nuestro equipo de seguridad cerró su sesión, solo la suya o la de un grupo de usuarios.',
  'signed-out.staff.advice':
    'Puede volver a iniciar sesión, salvo que su cuenta esté bloqueada. Si no lo esperaba, póngase en contacto con el equipo de seguridad.',
  'signed-out.origin': 'El cierre de sesión se solicitó desde <strong>{device}</strong>.',
  'signed-out.origin.stayed':
    'El cierre de sesión se solicitó desde <strong>{device}</strong>, que mantiene su sesión abierta.',
  'signed-out.origin.advice':
    'Si no fue usted, inicie sesión, revise sus dispositivos y proteja la cuenta con la que inicia sesión.',
  'signed-out.followed': 'Se cerró su sesión en este navegador.',
  'signed-out.no-session': 'Este navegador no tiene ninguna sesión.',
  'signed-out.two-cookies':
    'Su navegador envió dos cookies de sesión distintas. Hemos eliminado ambas y no se ha cerrado ninguna sesión.',
  'signed-out.two-cookies.advice': 'Inicie sesión de nuevo. Después podrá cerrar sesión en todas partes.',

  'error.retry': 'Intentar de nuevo',
  'error.resend': 'Para volver a enviar el formulario, recargue esta página.',
  'error.request': 'Solicitud {id}',
  'error.refused': 'No podemos aceptar esta solicitud',
  'error.refused.text': 'No se ha cambiado nada. Abra sus dispositivos e inténtelo de nuevo desde allí.',
  'error.not-staff': 'Esta página es para el equipo de seguridad',
  'error.not-staff.text': 'Si necesita acceso, pida a un administrador el rol «security» o «auditor».',
  'error.not-found': 'Esta página no existe',
  'error.not-found.text': 'Compruebe la dirección. Es posible que la página se haya movido.',
  'error.cross-origin': 'Solicitud rechazada',
  'error.cross-origin.text':
    'No pudimos confirmar que esta solicitud viniera de este sitio. No se ha cambiado nada. Abra sus dispositivos e inténtelo de nuevo desde allí.',
  'error.unavailable': 'Inténtelo de nuevo en un momento',
  'error.unavailable.text':
    'Algo no está disponible temporalmente por nuestra parte. Esta solicitud no ha cambiado nada.',
  'error.unknown': 'No sabemos si funcionó',
  'error.unknown.text':
    'Perdimos la conexión con nuestra base de datos antes de que confirmara su solicitud. Inténtelo de nuevo; repetir la solicitud no causa ningún daño.',
  'error.internal': 'Algo salió mal por nuestra parte',
  'error.internal.text':
    'No pudimos completar su solicitud. Si vuelve a ocurrir, póngase en contacto con nosotros e indique el número de solicitud que aparece abajo.',
}
