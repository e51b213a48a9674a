/** User agents of over a hundred clients, each with the name and kind that the list of devices must show. */

const WINDOWS = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64)'
const MAC = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)'
const LINUX = 'Mozilla/5.0 (X11; Linux x86_64)'
const CROS = 'Mozilla/5.0 (X11; CrOS x86_64 14541.0.0)'
const IPHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X)'
const IPAD = 'Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X)'
const PIXEL = 'Mozilla/5.0 (Linux; Android 16; Pixel 9)'
const ANDROID = 'Mozilla/5.0 (Linux; Android 10; K)'
const BLINK = 'AppleWebKit/537.36 (KHTML, like Gecko)'
const WEBKIT = 'AppleWebKit/605.1.15 (KHTML, like Gecko)'
const CHROME = 'Chrome/142.0.0.0'
const END = 'Safari/537.36'

export const AGENTS: [agent: string, name: string, kind: string][] = [
  // Browsers on desktops
  [`${WINDOWS} ${BLINK} ${CHROME} ${END}`, 'Chrome on Windows', 'desktop'],
  [`${MAC} ${BLINK} ${CHROME} ${END}`, 'Chrome on macOS', 'desktop'],
  [`${LINUX} ${BLINK} ${CHROME} ${END}`, 'Chrome on Linux', 'desktop'],
  [`${WINDOWS} ${BLINK} ${CHROME} ${END} Edg/142.0.0.0`, 'Microsoft Edge on Windows', 'desktop'],
  [`${MAC} ${BLINK} ${CHROME} ${END} Edg/142.0.0.0`, 'Microsoft Edge on macOS', 'desktop'],
  [`${WINDOWS} ${BLINK} Chrome/64.0.3282.140 ${END} Edge/18.17763`, 'Microsoft Edge on Windows', 'desktop'],
  [
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0',
    'Firefox on Windows',
    'desktop',
  ],
  [
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:145.0) Gecko/20100101 Firefox/145.0',
    'Firefox on macOS',
    'desktop',
  ],
  ['Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0', 'Firefox on Linux', 'desktop'],
  [
    'Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0',
    'Firefox on Ubuntu',
    'desktop',
  ],
  [
    'Mozilla/5.0 (X11; Fedora; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
    'Firefox on Fedora',
    'desktop',
  ],
  [
    'Mozilla/5.0 (X11; FreeBSD amd64; rv:140.0) Gecko/20100101 Firefox/140.0',
    'Firefox on FreeBSD',
    'desktop',
  ],
  [`${MAC} ${WEBKIT} Version/18.6 Safari/605.1.15`, 'Safari on macOS', 'desktop'],
  [`${WINDOWS} ${BLINK} ${CHROME} ${END} OPR/124.0.0.0`, 'Opera on Windows', 'desktop'],
  [`${LINUX} ${BLINK} ${CHROME} ${END} Vivaldi/7.6.3797.58`, 'Vivaldi on Linux', 'desktop'],
  [`${WINDOWS} ${BLINK} Chrome/140.0.0.0 YaBrowser/25.10.0.0 ${END}`, 'Yandex Browser on Windows', 'desktop'],
  [`${WINDOWS} ${BLINK} ${CHROME} Whale/4.34.340.19 ${END}`, 'Whale on Windows', 'desktop'],
  [`${LINUX} ${BLINK} Chromium/141.0.7390.54 Chrome/141.0.7390.54 ${END}`, 'Chromium on Linux', 'desktop'],
  [
    'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 LibreWolf/128.0',
    'LibreWolf on Linux',
    'desktop',
  ],
  [
    'Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko',
    'Internet Explorer on Windows',
    'desktop',
  ],
  [
    'Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 5.1; Trident/4.0)',
    'Internet Explorer on Windows',
    'desktop',
  ],
  [
    'Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; Trident/6.0)',
    'Internet Explorer on Windows',
    'desktop',
  ],
  ['Opera/9.80 (Windows NT 6.1; WOW64) Presto/2.12.388 Version/12.18', 'Opera on Windows', 'desktop'],
  [
    `${LINUX} AppleWebKit/605.1.15 (KHTML, like Gecko) Epiphany/605.1.15 Safari/605.1.15`,
    'Epiphany on Linux',
    'desktop',
  ],
  [
    'Mozilla/5.0 (X11; Linux x86_64) KHTML/5.115.0 (like Gecko) Konqueror/5 KIO/5.115',
    'Konqueror on Linux',
    'desktop',
  ],
  [`${CROS} ${BLINK} ${CHROME} ${END}`, 'Chrome on Chrome OS', 'desktop'],
  [
    'Mozilla/5.0 (X11; CrOS aarch64 15699.85.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36',
    'Chrome on Chrome OS',
    'desktop',
  ],
  [
    `Mozilla/5.0 (Linux; Android 13; HP Chromebook x360 14b) ${BLINK} Chrome/138.0.0.0 ${END}`,
    'Chrome on Chrome OS',
    'desktop',
  ],

  // Browsers on phones and tablets
  [`${IPHONE} ${WEBKIT} Version/18.6 Mobile/15E148 Safari/604.1`, 'Safari on iPhone', 'mobile'],
  [`${IPAD} ${WEBKIT} Version/17.5 Mobile/15E148 Safari/604.1`, 'Safari on iPad', 'tablet'],
  [
    'Mozilla/5.0 (iPod touch; CPU iPhone OS 12_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/12.1 Mobile/15E148 Safari/604.1',
    'Safari on iPhone',
    'mobile',
  ],
  [`${IPHONE} ${WEBKIT} CriOS/142.0.7444.46 Mobile/15E148 Safari/604.1`, 'Chrome on iPhone', 'mobile'],
  [`${IPAD} ${WEBKIT} CriOS/142.0.7444.46 Mobile/15E148 Safari/604.1`, 'Chrome on iPad', 'tablet'],
  [`${IPHONE} ${WEBKIT} FxiOS/144.0 Mobile/15E148 Safari/605.1.15`, 'Firefox on iPhone', 'mobile'],
  [
    `${IPHONE} ${WEBKIT} Version/18.0 EdgiOS/142.0.3595.53 Mobile/15E148 Safari/604.1`,
    'Microsoft Edge on iPhone',
    'mobile',
  ],
  [
    `${IPHONE} ${WEBKIT} Version/18.6 Mobile/15E148 DuckDuckGo/7 Safari/605.1.15`,
    'DuckDuckGo on iPhone',
    'mobile',
  ],
  [`${ANDROID} ${BLINK} ${CHROME} Mobile ${END}`, 'Chrome on Android', 'mobile'],
  [`${ANDROID} ${BLINK} ${CHROME} ${END}`, 'Chrome on Android', 'tablet'],
  [`${PIXEL} ${BLINK} ${CHROME} Mobile ${END}`, 'Chrome on Android', 'mobile'],
  [`Mozilla/5.0 (Linux; Android 14; SM-X710) ${BLINK} ${CHROME} ${END}`, 'Chrome on Android', 'tablet'],
  [
    `Mozilla/5.0 (Linux; Android 13; CUBOT P80) ${BLINK} ${CHROME} Mobile ${END}`,
    'Chrome on Android',
    'mobile',
  ],
  [
    `${ANDROID} ${BLINK} SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile ${END}`,
    'Samsung Internet on Android',
    'mobile',
  ],
  [
    `Mozilla/5.0 (Linux; Android 14; SM-X210) ${BLINK} SamsungBrowser/28.0 Chrome/130.0.0.0 ${END}`,
    'Samsung Internet on Android',
    'tablet',
  ],
  ['Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0', 'Firefox on Android', 'mobile'],
  ['Mozilla/5.0 (Android 15; Tablet; rv:145.0) Gecko/145.0 Firefox/145.0', 'Firefox on Android', 'tablet'],
  [`${ANDROID} ${BLINK} ${CHROME} Mobile ${END} EdgA/142.0.0.0`, 'Microsoft Edge on Android', 'mobile'],
  [`${ANDROID} ${BLINK} ${CHROME} Mobile ${END} OPR/92.0.0.0`, 'Opera on Android', 'mobile'],
  [
    'Opera/9.80 (Android; Opera Mini/36.2.2254/119.132; U; id) Presto/2.12.423 Version/12.16',
    'Opera Mini on Android',
    'mobile',
  ],
  [
    'Opera/9.80 (J2ME/MIDP; Opera Mini/7.1.32052/29.3709; U; en) Presto/2.8.119 Version/11.10',
    'Opera Mini',
    'mobile',
  ],
  [
    `Mozilla/5.0 (Linux; U; Android 14; en-US; 23021RAA2Y Build/UKQ1) ${BLINK} Version/4.0 Chrome/100.0.4896.58 UCBrowser/13.8.5.1327 Mobile ${END}`,
    'UC Browser on Android',
    'mobile',
  ],
  [
    `Mozilla/5.0 (Linux; U; Android 13; en-us; M2101K6G Build/TKQ1) ${BLINK} Version/4.0 Chrome/112.0.5615.136 Mobile ${END} XiaoMi/MiuiBrowser/14.8.0-gn`,
    'Mi Browser on Android',
    'mobile',
  ],
  [
    `Mozilla/5.0 (Linux; Android 10; HMA-AL00) ${BLINK} Chrome/114.0.5735.196 HuaweiBrowser/16.0.6.301 Mobile ${END}`,
    'Huawei Browser on Android',
    'mobile',
  ],
  [
    `Mozilla/5.0 (Linux; Android 11; KFTRWI) ${BLINK} Silk/136.3.4 like Chrome/136.0.7103.125 ${END}`,
    'Amazon Silk on Android',
    'tablet',
  ],
  [
    'Mozilla/5.0 (Linux; U; Android 4.0.3; de-de; GT-I9100 Build/IML74K) AppleWebKit/534.30 (KHTML, like Gecko) Version/4.0 Mobile Safari/534.30',
    'Android Browser on Android',
    'mobile',
  ],
  [
    `Mozilla/5.0 (Windows Phone 10.0; Android 6.0.1; Microsoft; Lumia 950) ${BLINK} Chrome/52.0.2743.116 Mobile ${END} Edge/15.15254`,
    'Microsoft Edge on Windows Phone',
    'mobile',
  ],
  [
    'Mozilla/5.0 (Mobile; Nokia_8110_4G; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5',
    'Firefox on KaiOS',
    'mobile',
  ],

  // Products whose words usually mean something else
  ['Box/4.20 (Windows NT 10.0)', 'Box on Windows', 'desktop'],
  ['AcmeTV/3.1 (iPhone; iOS 18.6)', 'AcmeTV on iPhone', 'mobile'],
  ['Preview/11.0 CFNetwork/1490.0.4 Darwin/23.2.0 (x86_64)', 'Preview on macOS', 'desktop'],
  [
    `Mozilla/5.0 (Linux; Android 13; Spider 8) ${BLINK} ${CHROME} Mobile ${END}`,
    'Chrome on Android',
    'mobile',
  ],

  // Browsers within apps
  [
    `${IPHONE} ${WEBKIT} Mobile/22G86 [FBAN/FBIOS;FBAV/530.0.0.51.108;FBBV/812345678;FBDV/iPhone15,2]`,
    'Facebook on iPhone',
    'mobile',
  ],
  [
    `Mozilla/5.0 (Linux; Android 15; SM-S928B; wv) ${BLINK} Version/4.0 ${CHROME} Mobile ${END} [FB_IAB/FB4A;FBAV/530.0.0.48.109;]`,
    'Facebook on Android',
    'mobile',
  ],
  [
    `${IPHONE} ${WEBKIT} Mobile/22G86 Instagram 400.0.0.25.84 (iPhone15,2; iOS 18_6; en_US)`,
    'Instagram on iPhone',
    'mobile',
  ],
  [
    `Mozilla/5.0 (Linux; Android 14; SM-A546B; wv) ${BLINK} Version/4.0 ${CHROME} Mobile ${END} Instagram 390.0.0.43.81 Android`,
    'Instagram on Android',
    'mobile',
  ],
  [
    `${IPHONE} ${WEBKIT} Mobile/15E148 MicroMessenger/8.0.56(0x18003832) NetType/WIFI Language/en`,
    'WeChat on iPhone',
    'mobile',
  ],
  [`${IPHONE} ${WEBKIT} GSA/390.0.123456789 Mobile/15E148 Safari/604.1`, 'Google app on iPhone', 'mobile'],
  [`${IPHONE} ${WEBKIT} Mobile/15E148 Safari Line/15.15.0`, 'Line on iPhone', 'mobile'],
  [`${IPHONE} ${WEBKIT} Mobile/15E148`, 'Unknown program on iPhone', 'mobile'],
  [
    `Mozilla/5.0 (Linux; Android 15; Pixel 8; wv) ${BLINK} Version/4.0 ${CHROME} Mobile ${END}`,
    'Chrome WebView on Android',
    'mobile',
  ],
  [
    `${WINDOWS} ${BLINK} Slack/4.46.104 Chrome/140.0.0.0 Electron/38.1.2 ${END}`,
    'Electron on Windows',
    'desktop',
  ],

  // Apps on macOS, iOS and iPadOS
  ['Mail/3774.600.62 CFNetwork/1490.0.4 Darwin/23.2.0 (x86_64)', 'Mail on macOS', 'desktop'],
  ['Reeder/5.4 CFNetwork/978.0.7 Darwin/18.7.0 (x86_64) (MacBookPro11%2C4)', 'Reeder on macOS', 'desktop'],
  ['AcmeSync/2.1 CFNetwork/520.5.1 Darwin/11.4.2 (i386) (iMac9%2C1)', 'AcmeSync on macOS', 'desktop'],
  [
    'Microsoft Office Word/16.90 (Mac OS/14.6; Desktop; en-US; AppStore; Apple/MacBookPro18,3)',
    'Microsoft Office Word on macOS',
    'desktop',
  ],
  ['AcmeNotes/4.2.0 (Macintosh; OS X/14.4.0) GCDHTTPRequest', 'AcmeNotes on macOS', 'desktop'],
  ['QuickTime/7.6.6 (qtver=7.6.6;cpu=IA32;os=Mac 10.6.8)', 'QuickTime on macOS', 'desktop'],
  ['AcmeNotes/4.2.0 (iPhone; iOS 18.6)', 'AcmeNotes on iPhone', 'mobile'],
  ['AcmeNotes/4.2.0 (iPad; iPadOS 18.6; Scale/2.00)', 'AcmeNotes on iPad', 'tablet'],
  ['AcmeNotes/231 CFNetwork/1568.300.101 Darwin/24.2.0', 'AcmeNotes on an Apple device', 'app'],
  ['%E5%BE%AE%E4%BF%A1/8.0.56 CFNetwork/1568.300.101 Darwin/24.2.0', '微信 on an Apple device', 'app'],
  ['Acme%20Notes/231 CFNetwork/1568.300.101 Darwin/24.2.0', 'Acme Notes on an Apple device', 'app'],
  [
    'AppleCoreMedia/1.0.0.22G86 (iPhone; U; CPU OS 18_6 like Mac OS X; en_us)',
    'AppleCoreMedia on iPhone',
    'mobile',
  ],

  // Other apps, and HTTP libraries
  ['okhttp/4.12.0', 'okhttp on Android', 'app'],
  [
    'Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8 Build/UQ1A.240205.004)',
    'Unknown program on Android',
    'mobile',
  ],
  ['AcmeNotes/4.2.0 (Android 15; Pixel 8)', 'AcmeNotes on Android', 'mobile'],
  ['AcmeNotes/4.2.0 (Windows NT 10.0; Win64; x64)', 'AcmeNotes on Windows', 'desktop'],
  ['curl/8.5.0', 'curl', 'app'],
  ['Wget/1.21.4', 'Wget', 'app'],
  ['python-requests/2.32.3', 'python-requests', 'app'],
  ['Python/3.12 aiohttp/3.9.5', 'Python', 'app'],
  ['Go-http-client/2.0', 'Go-http-client', 'app'],
  ['axios/1.7.2', 'axios', 'app'],
  ['PostmanRuntime/7.39.0', 'PostmanRuntime', 'app'],
  ['Dart/3.4 (dart:io)', 'Dart', 'app'],
  ['Apache-HttpClient/4.5.14 (Java/17.0.11)', 'Apache-HttpClient', 'app'],
  ['node', 'Unknown program', 'app'],

  // Televisions and consoles
  [
    `Mozilla/5.0 (Web0S; Linux/SmartTV) ${BLINK} Chrome/108.0.5359.211 ${END} WebAppManager`,
    'Chrome on webOS',
    'tv',
  ],
  [`Mozilla/5.0 (SMART-TV; LINUX; Tizen 8.0) ${BLINK} Version/8.0 TV Safari/537.36`, 'Safari on Tizen', 'tv'],
  [
    `Mozilla/5.0 (Linux; Android 9; BRAVIA 4K UR3) ${BLINK} Chrome/103.0.5060.71 ${END}`,
    'Chrome on Android',
    'tv',
  ],
  [
    `Mozilla/5.0 (Linux; Android 9; AFTKA) ${BLINK} Silk/112.5.1 like Chrome/112.0.5615.213 ${END}`,
    'Amazon Silk on Android',
    'tv',
  ],
  [
    `Mozilla/5.0 (Linux; Android 12; Chromecast) ${BLINK} Chrome/120.0.0.0 ${END} CrKey/1.56.500000`,
    'Chrome on Android',
    'tv',
  ],
  [
    'AppleCoreMedia/1.0.0.22K155 (Apple TV; U; CPU OS 18_1 like Mac OS X; en_us)',
    'AppleCoreMedia on tvOS',
    'tv',
  ],
  ['Roku/DVP-14.5 (14.5.4.5934-34)', 'Roku', 'tv'],
  [
    `Mozilla/5.0 (PlayStation; PlayStation 5/6.00) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/15.4 Safari/605.1.15`,
    'Safari on PlayStation',
    'console',
  ],
  [
    `Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox Series X) ${BLINK} Chrome/130.0.0.0 ${END} Edg/130.0.0.0`,
    'Microsoft Edge on Xbox',
    'console',
  ],
  [
    'Mozilla/5.0 (Nintendo Switch; WifiWebAuthApplet) AppleWebKit/609.4 (KHTML, like Gecko) NF/6.0.2.21.3 NintendoBrowser/5.1.0.22474',
    'Nintendo Browser on Nintendo',
    'console',
  ],

  // Bots
  ['Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)', 'Googlebot', 'bot'],
  [
    `Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) ${BLINK} ${CHROME} Mobile ${END} (compatible; Googlebot/2.1; +http://www.google.com/bot.html)`,
    'Googlebot on Android',
    'bot',
  ],
  ['Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)', 'bingbot', 'bot'],
  [
    'Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)',
    'GPTBot',
    'bot',
  ],
  ['facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)', 'A bot', 'bot'],
  ['Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)', 'Slackbot', 'bot'],
  ['Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)', 'AhrefsBot', 'bot'],
  [`${LINUX} ${BLINK} HeadlessChrome/142.0.0.0 ${END}`, 'Headless Chrome on Linux', 'desktop'],

  // Unrecognized
  ['', 'Unknown device', 'unknown'],
  ['Mozilla/5.0', 'Unknown device', 'unknown'],
  ['-', 'Unknown program', 'app'],
  ['Call +44 20 7946 0000 at once, your account is locked/1.0', 'Unknown program', 'app'],
  [`${'Very long name '.repeat(30)}/1.0`, 'Unknown program', 'app'],
  ['Mozilla/5.0 (nothing; known) Of/1.0 All/2.0 This/3.0', 'Unknown device', 'unknown'],
  ['<img src=x onerror=alert(1)>/1.0 (X11; Linux)', 'Unknown program on Linux', 'app'],
  ['\u202egnp.exe/1.0', 'Unknown program', 'app'],
  ['Firefox\u202e/1.0', 'Unknown program', 'app'],
  ['\u001b[31mcurl/8.5.0', 'Unknown program', 'app'],
]
