import type { Messages } from './en.ts'

export const fr: Messages = {
  'frame.skip': 'Aller au contenu',
  'frame.user': 'Connecté en tant que <strong>{name}</strong>',
  'frame.console': 'Console de sécurité',
  'frame.now': 'à l’instant',
  'frame.back': '{named, select, yes {Retour à {app}} other {Retour à l’application}}',
  'frame.continue': 'Continuer',
  'frame.cancel': 'Annuler',
  'frame.busy': 'Déconnexion en cours. Cela peut prendre quelques secondes.',
  'frame.sign-in': 'Se connecter',
  'frame.sign-out': 'Se déconnecter',

  'device.name': '{program} sur {system}',
  'device.apple': 'un appareil Apple',
  'device.program': 'Programme inconnu',
  'device.bot': 'Un robot',
  'device.tv': 'Un téléviseur',
  'device.unknown': 'Appareil inconnu',
  'device.this': 'cet appareil',
  'device.seen': 'dernière activité {when}',
  'device.since': 'connexion {when}',
  'device.sign-out': 'Déconnecter {device}',
  'device.new': 'Nouveau depuis votre dernière visite',
  'device.place': '{city}, {country}',
  'device.method':
    '{method, select, password {mot de passe} passkey {clé d’accès} email {lien ou code par e-mail} code {code à usage unique} sso {authentification unique} other {{name}}}',
  'device.id': 'session {id}',

  'devices.title': 'Vos appareils',
  'devices.lead':
    '{count, plural, one {Vous êtes connecté sur # appareil.} other {Vous êtes connecté sur # appareils.}} Si vous ne reconnaissez pas un appareil, déconnectez-le.',
  'devices.only': 'Vous êtes connecté uniquement sur cet appareil.',
  'devices.everywhere': 'Se déconnecter partout',
  'devices.others': 'Déconnecter tous les autres',
  'devices.local': 'Se déconnecter ici',
  'devices.here': 'Cet appareil',
  'devices.elsewhere': 'Autres appareils',
  'devices.none': 'Aucun autre appareil n’est connecté à votre compte.',
  'devices.end': 'Aucun autre appareil.',
  'devices.more':
    'Et {count, plural, one {# autre appareil, moins récent} other {# autres appareils, moins récents}}. « Déconnecter tous les autres » les inclut.',
  'devices.pages': 'Pages',
  'devices.newest': 'Les plus récents',
  'devices.older': 'Moins récents',

  'past.title': 'Déconnectés au cours des {days} derniers jours',
  'past.when': 'déconnexion {when}',
  'past.itself': 'sur l’appareil lui-même',
  'past.elsewhere': 'depuis {device}',
  'past.replaced': 'vous vous y êtes reconnecté',
  'past.staff': 'par notre équipe de sécurité',
  'past.other': 'par l’application',

  'facts.title': 'Appareil',
  'facts.program': 'Navigateur',
  'facts.system': 'Système',
  'facts.place': 'Lieu',
  'facts.address': 'Adresse',
  'facts.since': 'Connexion',
  'facts.method': 'Mode de connexion',
  'facts.seen': 'Dernière activité',
  'facts.ends': 'Connecté jusqu’au, sans nouvelle utilisation',
  'facts.agent': 'Ce que l’appareil dit de lui-même',
  'facts.id': 'Session',
  'facts.back': 'Retour à vos appareils',

  'name.label': 'Nom de cet appareil',
  'name.save': 'Enregistrer',
  'name.hint': 'Seuls vous et notre équipe de sécurité le voyez.',

  'ended.title':
    '{count, plural, =0 {Aucun autre appareil n’était connecté} one {# appareil a été déconnecté} other {# appareils ont été déconnectés}}',
  'ended.more': '{count, plural, one {# autre appareil} other {# autres appareils}}',
  'ended.uncounted': '{count, plural, one {et # autre} other {et # autres}}',

  'logout.title': 'Se déconnecter',
  'logout.question': 'Où souhaitez-vous vous déconnecter ?',
  'logout.local': 'Cet appareil',
  'logout.local.detail': '{device}, celui que vous utilisez',
  'logout.others': 'Tous les autres appareils',
  'logout.others.detail': '{count, plural, one {# appareil} other {# appareils}} ; vous restez connecté ici',
  'logout.global': 'Partout',
  'logout.global.detail': '{count, plural, one {Cet appareil et # autre} other {Cet appareil et # autres}}',
  'logout.only': 'Voulez-vous vous déconnecter sur cet appareil ?',
  'logout.recent': 'Pour déconnecter d’autres appareils, reconnectez-vous d’abord.',
  'logout.list': '{count, plural, one {Votre # autre appareil} other {Vos # autres appareils}}',

  'end.title': 'Déconnecter cet appareil ?',
  'end.lead': 'Il sera déconnecté immédiatement. Pour y utiliser de nouveau votre compte, reconnectez-vous.',

  'again.title': 'Reconnectez-vous',
  'again.lead':
    'Vos appareils ne s’affichent qu’après une connexion récente. Votre dernière connexion : {when}.',
  'again.advice': 'Si la connexion ne vous est pas demandée, déconnectez-vous d’abord ici.',

  'onward.title': 'Vous êtes déconnecté',
  'onward.others': 'Vos autres appareils sont déconnectés',
  'onward.lead': 'Vous allez être redirigé. Si rien ne se passe, choisissez « Continuer ».',

  'signed-out.page': 'Déconnecté',
  'signed-out.title': 'Vous êtes déconnecté',
  'signed-out.everywhere': 'Vous êtes déconnecté partout',
  'signed-out.none': 'Vous n’êtes pas connecté',
  'signed-out.ended': '{title} :',
  'signed-out.back':
    '{named, select, yes {Pour vous reconnecter, retournez sur {app}.} other {Pour vous reconnecter, retournez dans votre application.}}',
  'signed-out.expired': 'Votre session a expiré.',
  'signed-out.idle': 'Votre session a expiré car elle n’a pas été utilisée depuis longtemps.',
  'signed-out.again': 'Vous vous êtes reconnecté sur cet appareil le {when}.',
  'signed-out.own':
    '{scope, select, global {Vous vous êtes déconnecté partout le {when}.} other {Vous vous êtes déconnecté sur cet appareil le {when}.}}',
  'signed-out.remote':
    '{scope, select, global {Vous avez été déconnecté partout le {when}.} other {Vous avez été déconnecté le {when}.}}',
  'signed-out.staff': 'Notre équipe de sécurité vous a déconnecté, seul ou avec d’autres utilisateurs.',
  'signed-out.staff.advice':
    'Vous pouvez vous reconnecter, sauf si votre compte est verrouillé. Si vous ne vous y attendiez pas, contactez l’équipe de sécurité.',
  'signed-out.origin': 'La déconnexion a été demandée depuis <strong>{device}</strong>.',
  'signed-out.origin.stayed':
    'La déconnexion a été demandée depuis <strong>{device}</strong>, qui est resté connecté.',
  'signed-out.origin.advice':
    'Si ce n’était pas vous, connectez-vous, vérifiez vos appareils et sécurisez le compte avec lequel vous vous connectez.',
  'signed-out.followed': 'Vous avez été déconnecté dans ce navigateur.',
  'signed-out.no-session': 'Ce navigateur n’a pas de session.',
  'signed-out.two-cookies':
    'Votre navigateur a envoyé deux cookies de session différents. Nous avons supprimé les deux, et aucune session n’a été fermée.',
  'signed-out.two-cookies.advice':
    'Veuillez vous reconnecter. Vous pourrez ensuite vous déconnecter partout.',

  'error.retry': 'Réessayer',
  'error.resend': 'Pour renvoyer le formulaire, rechargez cette page.',
  'error.request': 'Requête {id}',
  'error.refused': 'Nous ne pouvons pas accepter cette requête',
  'error.refused.text': 'Rien n’a été modifié. Ouvrez vos appareils et réessayez depuis cette page.',
  'error.not-staff': 'Cette page est réservée à l’équipe de sécurité',
  'error.not-staff.text':
    'Si vous avez besoin d’un accès, demandez à un administrateur le rôle « security » ou « auditor ».',
  'error.not-found': 'Cette page n’existe pas',
  'error.not-found.text': 'Vérifiez l’adresse. La page a peut-être été déplacée.',
  'error.cross-origin': 'Requête refusée',
  'error.cross-origin.text':
    'Nous n’avons pas pu confirmer que cette requête venait de ce site. Rien n’a été modifié. Ouvrez vos appareils et réessayez depuis cette page.',
  'error.unavailable': 'Veuillez réessayer dans un instant',
  'error.unavailable.text':
    'Un service est momentanément indisponible de notre côté. Cette requête n’a rien modifié.',
  'error.unknown': 'Nous ne savons pas si l’opération a réussi',
  'error.unknown.text':
    'La connexion à notre base de données a été interrompue avant qu’elle ne confirme votre requête. Veuillez réessayer ; répéter la requête est sans danger.',
  'error.internal': 'Une erreur s’est produite de notre côté',
  'error.internal.text':
    'Nous n’avons pas pu traiter votre requête. Si cela se reproduit, contactez-nous avec le numéro de requête ci-dessous.',
}
