/** Devices in words a person recognises, whatever a client sends. */
import fc from 'fast-check'
import t from 'tap'
import { describeDevice, deviceName } from '../../src/sessions/devices.ts'

const CASES: [userAgent: string | null, name: string, kind: string][] = [
  [
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0',
    'Firefox on Windows',
    'desktop',
  ],
  [
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1',
    'Safari on iPhone',
    'mobile',
  ],
  [
    'Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
    'Safari on iPad',
    'tablet',
  ],
  [
    'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36',
    'Chrome on Android',
    'mobile',
  ],
  [
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
    'Chrome on macOS',
    'desktop',
  ],
  [
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0',
    'Microsoft Edge on Windows',
    'desktop',
  ],
  ['AcmeNotes/4.2.0 (iPhone; iOS 18.6)', 'AcmeNotes on iOS', 'app'],
  ['okhttp/4.12.0', 'okhttp on Android', 'app'],
  ['curl/8.5.0', 'curl', 'app'],
  ['', 'Unknown device', 'unknown'],
  [null, 'Unknown device', 'unknown'],
]

t.test('well-known clients by name', async (t) => {
  for (const [userAgent, name, kind] of CASES) {
    const device = describeDevice(userAgent)
    t.equal(deviceName(device), name, userAgent ?? 'none')
    t.equal(device.kind, kind, userAgent ?? 'none')
  }
})

t.test('any text at all is described, never thrown at', async (t) => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ maxLength: 512 }), fc.string({ unit: 'binary', maxLength: 512 })),
      (userAgent) => {
        return deviceName(describeDevice(userAgent)).length > 0
      },
    ),
    { numRuns: 5_000 },
  )
  t.pass('5,000 user agents')
})
