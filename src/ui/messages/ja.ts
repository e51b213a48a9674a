import type { Messages } from './en.ts'

export const ja: Messages = {
  'frame.skip': '本文へ移動',
  'frame.user': '<strong>{name}</strong> としてログイン中',
  'frame.console': 'セキュリティコンソール',
  'frame.now': 'たった今',
  'frame.back': '{named, select, yes {{app} に戻る} other {アプリケーションに戻る}}',
  'frame.continue': '続ける',
  'frame.cancel': 'キャンセル',
  'frame.busy': 'ログアウトしています。数秒かかることがあります。',
  'frame.sign-in': 'ログイン',
  'frame.sign-out': 'ログアウト',

  'device.name': '{program}（{system}）',
  'device.apple': 'Apple 製デバイス',
  'device.program': '不明なプログラム',
  'device.bot': 'ボット',
  'device.tv': 'テレビ',
  'device.unknown': '不明なデバイス',
  'device.this': 'このデバイス',
  'device.seen': '最終アクセス：{when}',
  'device.since': 'ログイン：{when}',
  'device.sign-out': '{device} をログアウト',
  'device.new': '前回の表示以降に追加',
  'device.place': '{country} {city}',
  'device.method':
    '{method, select, password {パスワード} passkey {パスキー} email {メールのリンクまたはコード} code {ワンタイムコード} sso {シングルサインオン} other {{name}}}',
  'device.id': 'セッション {id}',

  'devices.title': 'デバイス一覧',
  'devices.lead':
    '{count, plural, other {# 台のデバイスでログインしています。}}見覚えのないデバイスがあれば、ログアウトしてください。',
  'devices.only': 'このデバイスでのみログインしています。',
  'devices.everywhere': 'すべてのデバイスからログアウト',
  'devices.others': '他のデバイスをすべてログアウト',
  'devices.local': 'このデバイスからログアウト',
  'devices.here': 'このデバイス',
  'devices.elsewhere': '他のデバイス',
  'devices.none': 'お使いのアカウントにログインしている他のデバイスはありません。',
  'devices.end': 'これ以上デバイスはありません。',
  'devices.more':
    '{count, plural, other {ほかに、最近使われていないデバイスが # 台あります。}}「他のデバイスをすべてログアウト」の対象に含まれます。',
  'devices.pages': 'ページ',
  'devices.newest': '最新',
  'devices.older': '以前のデバイス',

  'past.title': '過去 {days} 日間にログアウトしたデバイス',
  'past.when': 'ログアウト：{when}',
  'past.itself': 'そのデバイス自体で',
  'past.elsewhere': '{device} から',
  'past.replaced': 'そのデバイスで再度ログインしたため',
  'past.staff': 'セキュリティチームによる',
  'past.other': 'アプリケーションによる',

  'facts.title': 'デバイス',
  'facts.program': 'ブラウザー',
  'facts.system': 'システム',
  'facts.place': '場所',
  'facts.address': 'アドレス',
  'facts.since': 'ログイン',
  'facts.method': 'ログイン方法',
  'facts.seen': '最終アクセス',
  'facts.ends': '使われない場合のログイン期限',
  'facts.agent': 'デバイスが名乗る情報',
  'facts.id': 'セッション',
  'facts.back': 'デバイス一覧に戻る',

  'name.label': 'このデバイスの名前',
  'name.save': '保存',
  'name.hint': 'この名前が見えるのは、お客様と当社のセキュリティチームだけです。',

  'ended.title':
    '{count, plural, =0 {ログインしている他のデバイスはありませんでした} other {# 台のデバイスをログアウトしました}}',
  'ended.more': '{count, plural, other {ほか # 台のデバイス}}',
  'ended.uncounted': '{count, plural, other {ほか # 台}}',

  'logout.title': 'ログアウト',
  'logout.question': 'どのデバイスからログアウトしますか？',
  'logout.local': 'このデバイス',
  'logout.local.detail': '{device}：今お使いのデバイス',
  'logout.others': '他のすべてのデバイス',
  'logout.others.detail': '{count, plural, other {# 台のデバイス。このデバイスはログインしたままです}}',
  'logout.global': 'すべてのデバイス',
  'logout.global.detail': '{count, plural, other {このデバイスと、他の # 台}}',
  'logout.only': 'このデバイスからログアウトしますか？',
  'logout.recent': '他のデバイスをログアウトするには、先に再度ログインしてください。',
  'logout.list': '{count, plural, other {他の # 台のデバイス}}',

  'end.title': 'このデバイスをログアウトしますか？',
  'end.lead': 'すぐにログアウトされます。そのデバイスでアカウントを再び使うには、ログインが必要です。',

  'again.title': '再度ログインしてください',
  'again.lead': 'デバイス一覧は、最近ログインした場合にのみ表示されます。前回のログイン：{when}。',
  'again.advice': 'ログインを求められない場合は、先にここからログアウトしてください。',

  'onward.title': 'ログアウトしました',
  'onward.others': '他のデバイスをログアウトしました',
  'onward.lead': '移動しています。自動的に移動しない場合は「続ける」を選択してください。',

  'signed-out.page': 'ログアウト済み',
  'signed-out.title': 'ログアウトしました',
  'signed-out.everywhere': 'すべてのデバイスからログアウトしました',
  'signed-out.none': 'ログインしていません',
  'signed-out.ended': '{title}：',
  'signed-out.back':
    '{named, select, yes {再度ログインするには、{app} に移動してください。} other {再度ログインするには、お使いのアプリケーションに戻ってください。}}',
  'signed-out.expired': 'セッションの有効期限が切れました。',
  'signed-out.idle': '長時間操作がなかったため、セッションの有効期限が切れました。',
  'signed-out.again': '{when} に、このデバイスで再度ログインしました。',
  'signed-out.own':
    '{scope, select, global {{when} に、すべてのデバイスからログアウトしました。} other {{when} に、このデバイスからログアウトしました。}}',
  'signed-out.remote':
    '{scope, select, global {{when} に、すべてのデバイスからログアウトされました。} other {{when} に、ログアウトされました。}}',
  'signed-out.staff': '当社のセキュリティチームが、お客様のみ、または複数のユーザーをログアウトしました。',
  'signed-out.staff.advice':
    'アカウントがロックされていなければ、再度ログインできます。お心当たりがない場合は、セキュリティチームにお問い合わせください。',
  'signed-out.origin': 'ログアウトは <strong>{device}</strong> から行われました。',
  'signed-out.origin.stayed':
    'ログアウトは <strong>{device}</strong> から行われました。そのデバイスはログインしたままです。',
  'signed-out.origin.advice':
    'お心当たりがない場合は、ログインしてデバイスを確認し、ログインに使うアカウントを保護してください。',
  'signed-out.followed': 'このブラウザーからログアウトしました。',
  'signed-out.no-session': 'このブラウザーにはセッションがありません。',
  'signed-out.two-cookies':
    'ブラウザーから異なる 2 つのセッション Cookie が送信されました。両方とも削除しましたが、終了したセッションはありません。',
  'signed-out.two-cookies.advice':
    '再度ログインしてください。その後、すべてのデバイスからログアウトできます。',

  'error.retry': '再試行',
  'error.resend': 'フォームを再送信するには、このページを再読み込みしてください。',
  'error.request': 'リクエスト {id}',
  'error.refused': 'このリクエストは受け付けられません',
  'error.refused.text': '何も変更されていません。デバイス一覧を開いて、もう一度お試しください。',
  'error.not-staff': 'このページはセキュリティ担当者専用です',
  'error.not-staff.text':
    'アクセスが必要な場合は、「security」または「auditor」のロールを管理者に依頼してください。',
  'error.not-found': 'ページが見つかりません',
  'error.not-found.text': 'アドレスをご確認ください。ページが移動した可能性があります。',
  'error.cross-origin': 'リクエストを拒否しました',
  'error.cross-origin.text':
    'このリクエストが当サイトから送信されたことを確認できませんでした。何も変更されていません。デバイス一覧を開いて、もう一度お試しください。',
  'error.unavailable': 'しばらくしてからもう一度お試しください',
  'error.unavailable.text':
    '現在、一時的に利用できない機能があります。このリクエストでは何も変更されていません。',
  'error.unknown': '完了したかどうかを確認できません',
  'error.unknown.text':
    'リクエストが確定する前に、データベースとの接続が切れました。もう一度お試しください。繰り返しても問題はありません。',
  'error.internal': '問題が発生しました',
  'error.internal.text':
    'リクエストを完了できませんでした。問題が続く場合は、下記のリクエスト番号を添えてお問い合わせください。',
}
