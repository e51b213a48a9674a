import type { Messages } from './en.ts'

export const ar: Messages = {
  'frame.skip': 'الانتقال إلى المحتوى',
  'frame.user': 'تم تسجيل الدخول باسم <strong>{name}</strong>',
  'frame.console': 'وحدة تحكم الأمان',
  'frame.now': 'الآن',
  'frame.back': '{named, select, yes {العودة إلى {app}} other {العودة إلى التطبيق}}',
  'frame.continue': 'متابعة',
  'frame.cancel': 'إلغاء',
  'frame.busy': 'جارٍ تسجيل الخروج. قد يستغرق ذلك بضع ثوانٍ.',
  'frame.sign-in': 'تسجيل الدخول',
  'frame.sign-out': 'تسجيل الخروج',

  'device.name': '{program} على {system}',
  'device.apple': 'جهاز Apple',
  'device.program': 'برنامج غير معروف',
  'device.bot': 'برنامج آلي',
  'device.tv': 'جهاز تلفزيون',
  'device.unknown': 'جهاز غير معروف',
  'device.this': 'هذا الجهاز',
  'device.seen': 'آخر نشاط: {when}',
  'device.since': 'تسجيل الدخول: {when}',
  'device.sign-out': 'تسجيل الخروج من {device}',
  'device.new': 'جديد منذ زيارتك الأخيرة',
  'device.place': '{city}، {country}',
  'device.method':
    '{method, select, password {كلمة مرور} passkey {مفتاح مرور} email {رابط أو رمز عبر البريد الإلكتروني} code {رمز لمرة واحدة} sso {تسجيل دخول موحّد} other {{name}}}',
  'device.id': 'الجلسة {id}',

  'devices.title': 'أجهزتك',
  'devices.lead':
    '{count, plural, zero {لم تسجّل الدخول على أي جهاز.} one {سجّلت الدخول على جهاز واحد.} two {سجّلت الدخول على جهازين.} few {سجّلت الدخول على # أجهزة.} many {سجّلت الدخول على # جهازًا.} other {سجّلت الدخول على # جهاز.}} إذا لم تتعرّف على أحد الأجهزة، فسجّل الخروج منه.',
  'devices.only': 'سجّلت الدخول على هذا الجهاز فقط.',
  'devices.everywhere': 'تسجيل الخروج من كل الأجهزة',
  'devices.others': 'تسجيل الخروج من الأجهزة الأخرى',
  'devices.local': 'تسجيل الخروج من هنا',
  'devices.here': 'هذا الجهاز',
  'devices.elsewhere': 'أجهزة أخرى',
  'devices.none': 'لا يوجد جهاز آخر مسجّل الدخول إلى حسابك.',
  'devices.end': 'لا توجد أجهزة أخرى.',
  'devices.more':
    '{count, plural, zero {لا أجهزة أخرى} one {وجهاز واحد آخر أقل نشاطًا} two {وجهازان آخران أقل نشاطًا} few {و# أجهزة أخرى أقل نشاطًا} many {و# جهازًا آخر أقل نشاطًا} other {و# جهاز آخر أقل نشاطًا}}. يشملها «تسجيل الخروج من الأجهزة الأخرى».',
  'devices.pages': 'الصفحات',
  'devices.newest': 'الأحدث',
  'devices.older': 'الأقدم',

  'past.title': 'أجهزة سُجّل خروجها في آخر {days} يومًا',
  'past.when': 'تسجيل الخروج: {when}',
  'past.itself': 'من الجهاز نفسه',
  'past.elsewhere': 'من {device}',
  'past.replaced': 'سجّلت الدخول عليه مجددًا',
  'past.staff': 'بواسطة فريق الأمان لدينا',
  'past.other': 'بواسطة التطبيق',

  'facts.title': 'الجهاز',
  'facts.program': 'المتصفح',
  'facts.system': 'النظام',
  'facts.place': 'المكان',
  'facts.address': 'العنوان',
  'facts.since': 'تسجيل الدخول',
  'facts.method': 'طريقة تسجيل الدخول',
  'facts.seen': 'آخر نشاط',
  'facts.ends': 'مسجّل الدخول حتى، إن لم يُستخدم مجددًا',
  'facts.agent': 'ما يقوله الجهاز عن نفسه',
  'facts.id': 'الجلسة',
  'facts.back': 'العودة إلى أجهزتك',

  'name.label': 'اسم هذا الجهاز',
  'name.save': 'حفظ',
  'name.hint': 'لا يراه سواك وسوى فريق الأمان لدينا.',

  'ended.title':
    '{count, plural, =0 {لم يكن أي جهاز آخر مسجّل الدخول} zero {لم يتم تسجيل الخروج من أي جهاز} one {تم تسجيل الخروج من جهاز واحد} two {تم تسجيل الخروج من جهازين} few {تم تسجيل الخروج من # أجهزة} many {تم تسجيل الخروج من # جهازًا} other {تم تسجيل الخروج من # جهاز}}',
  'ended.more':
    '{count, plural, zero {لا أجهزة أخرى} one {جهاز واحد آخر} two {جهازان آخران} few {# أجهزة أخرى} many {# جهازًا آخر} other {# جهاز آخر}}',
  'ended.uncounted':
    '{count, plural, zero {ولا غيرها} one {وجهاز آخر} two {وجهازان آخران} few {و# أخرى} many {و# أخرى} other {و# أخرى}}',

  'logout.title': 'تسجيل الخروج',
  'logout.question': 'من أين تريد تسجيل الخروج؟',
  'logout.local': 'هذا الجهاز',
  'logout.local.detail': '{device}، الجهاز الذي تستخدمه الآن',
  'logout.others': 'كل الأجهزة الأخرى',
  'logout.others.detail':
    '{count, plural, zero {لا أجهزة} one {جهاز واحد} two {جهازان} few {# أجهزة} many {# جهازًا} other {# جهاز}}؛ وستبقى مسجّل الدخول هنا',
  'logout.global': 'كل الأجهزة',
  'logout.global.detail':
    '{count, plural, zero {هذا الجهاز فقط} one {هذا الجهاز وجهاز واحد آخر} two {هذا الجهاز وجهازان آخران} few {هذا الجهاز و# أجهزة أخرى} many {هذا الجهاز و# جهازًا آخر} other {هذا الجهاز و# جهاز آخر}}',
  'logout.only': 'هل تريد تسجيل الخروج من هذا الجهاز؟',
  'logout.recent': 'لتسجيل الخروج من أجهزة أخرى، سجّل الدخول مرة أخرى أولًا.',
  'logout.list':
    '{count, plural, zero {لا أجهزة أخرى} one {جهازك الآخر} two {جهازاك الآخران} few {أجهزتك الأخرى، وعددها #} many {أجهزتك الأخرى، وعددها #} other {أجهزتك الأخرى، وعددها #}}',

  'end.title': 'هل تريد تسجيل الخروج من هذا الجهاز؟',
  'end.lead': 'سيتم تسجيل الخروج منه فورًا. لاستخدام حسابك عليه من جديد، سجّل الدخول.',

  'again.title': 'سجّل الدخول مرة أخرى',
  'again.lead': 'لا تظهر أجهزتك إلا بعد تسجيل دخول حديث. آخر تسجيل دخول: {when}.',
  'again.advice': 'إذا لم يُطلب منك تسجيل الدخول، فسجّل الخروج من هنا أولًا.',

  'onward.title': 'تم تسجيل خروجك',
  'onward.others': 'تم تسجيل الخروج من أجهزتك الأخرى',
  'onward.lead': 'تجري إعادة توجيهك. إذا لم يحدث شيء، فاختر «متابعة».',

  'signed-out.page': 'تم تسجيل الخروج',
  'signed-out.title': 'تم تسجيل خروجك',
  'signed-out.everywhere': 'تم تسجيل خروجك من كل الأجهزة',
  'signed-out.none': 'لم تسجّل الدخول',
  'signed-out.ended': '{title}:',
  'signed-out.back':
    '{named, select, yes {لتسجيل الدخول مرة أخرى، انتقل إلى {app}.} other {لتسجيل الدخول مرة أخرى، ارجع إلى تطبيقك.}}',
  'signed-out.expired': 'انتهت صلاحية جلستك.',
  'signed-out.idle': 'انتهت صلاحية جلستك لأنها لم تُستخدم لمدة طويلة.',
  'signed-out.again': 'سجّلت الدخول مرة أخرى على هذا الجهاز في {when}.',
  'signed-out.own':
    '{scope, select, global {سجّلت الخروج من كل الأجهزة في {when}.} other {سجّلت الخروج من هذا الجهاز في {when}.}}',
  'signed-out.remote':
    '{scope, select, global {تم تسجيل خروجك من كل الأجهزة في {when}.} other {تم تسجيل خروجك في {when}.}}',
  'signed-out.staff': 'سجّل فريق الأمان لدينا خروجك، إما أنت وحدك أو مع مجموعة من المستخدمين.',
  'signed-out.staff.advice':
    'يمكنك تسجيل الدخول مرة أخرى ما لم يكن حسابك مقفلًا. إذا لم تكن تتوقع ذلك، فتواصل مع فريق الأمان.',
  'signed-out.origin': 'طُلب تسجيل الخروج من <strong>{device}</strong>.',
  'signed-out.origin.stayed': 'طُلب تسجيل الخروج من <strong>{device}</strong>، الذي بقي مسجّل الدخول.',
  'signed-out.origin.advice':
    'إذا لم تكن أنت من طلب ذلك، فسجّل الدخول وراجع أجهزتك وأمّن الحساب الذي تسجّل الدخول به.',
  'signed-out.followed': 'تم تسجيل خروجك في هذا المتصفح.',
  'signed-out.no-session': 'لا توجد جلسة في هذا المتصفح.',
  'signed-out.two-cookies': 'أرسل متصفحك ملفي تعريف ارتباط مختلفين للجلسة. أزلنا كليهما، ولم تنتهِ أي جلسة.',
  'signed-out.two-cookies.advice': 'يُرجى تسجيل الدخول مرة أخرى. يمكنك بعد ذلك تسجيل الخروج من كل الأجهزة.',

  'error.retry': 'إعادة المحاولة',
  'error.resend': 'لإرسال النموذج مرة أخرى، أعد تحميل هذه الصفحة.',
  'error.request': 'الطلب {id}',
  'error.refused': 'لا يمكننا قبول هذا الطلب',
  'error.refused.text': 'لم يتغيّر شيء. افتح صفحة أجهزتك وحاول مرة أخرى من هناك.',
  'error.not-staff': 'هذه الصفحة مخصصة لفريق الأمان',
  'error.not-staff.text': 'إذا كنت بحاجة إلى الوصول، فاطلب من المسؤول دور «security» أو «auditor».',
  'error.not-found': 'هذه الصفحة غير موجودة',
  'error.not-found.text': 'تحقّق من العنوان. ربما نُقلت الصفحة.',
  'error.cross-origin': 'تم رفض الطلب',
  'error.cross-origin.text':
    'لم نتمكن من التأكد من أن هذا الطلب جاء من هذا الموقع. لم يتغيّر شيء. افتح صفحة أجهزتك وحاول مرة أخرى من هناك.',
  'error.unavailable': 'يُرجى المحاولة مرة أخرى بعد قليل',
  'error.unavailable.text': 'إحدى خدماتنا غير متاحة مؤقتًا. لم يغيّر هذا الطلب شيئًا.',
  'error.unknown': 'لا نعرف ما إذا كان الطلب قد نجح',
  'error.unknown.text':
    'انقطع الاتصال بقاعدة بياناتنا قبل أن تؤكد طلبك. يُرجى المحاولة مرة أخرى؛ فتكرار الطلب لا يسبب أي ضرر.',
  'error.internal': 'حدث خطأ لدينا',
  'error.internal.text': 'لم نتمكن من إكمال طلبك. إذا تكرر ذلك، فتواصل معنا واذكر رقم الطلب الموجود أدناه.',
}
