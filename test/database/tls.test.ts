/** `sslmode` and the hosts of a URL on a real server: TLS with its own certificate, IPv6, a socket. */
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { openDatabase } from '../../src/database/database.ts'
import { ownServer } from '../support/own-server.ts'
import { isInstalled, runProgram } from '../support/run-program.ts'
import { admin } from '../support/server.ts'

const NOBODY = 65_534

t.test(
  'TLS, IPv6 and sockets',
  { skip: (await isInstalled('openssl', 'version')) || process.env.CI ? false : 'no openssl here' },
  async (t) => {
    // The path of a socket has at most 107 bytes.
    const folder = await mkdtemp(join(tmpdir(), 'gl-tls-'))
    t.teardown(() => rm(folder, { recursive: true, force: true }))
    const [key, cert] = [join(folder, 'key'), join(folder, 'cert')]
    const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=localhost']
    const names = ['-addext', 'subjectAltName=DNS:localhost']
    await runProgram('openssl', [...request, ...names, '-keyout', key, '-out', cert])
    if (process.getuid?.() === 0) for (const path of [folder, key, cert]) await chown(path, NOBODY, NOBODY)
    const hba = join(folder, 'hba')
    const clear = [
      'host all clear all password',
      'host all trusted all trust',
      'host all all all scram-sha-256',
    ]
    await writeFile(hba, [...clear, 'local all all scram-sha-256', ''].join('\n'))
    const server = await ownServer({
      ssl: 'on',
      ssl_cert_file: cert,
      ssl_key_file: key,
      listen_addresses: 'localhost,127.0.0.1,::1',
      unix_socket_directories: folder,
      hba_file: hba,
    })
    const { port, password } = new URL(server.url)
    const login = `postgres://postgres:${password}@`

    /** Whether the connection is encrypted, or the reason why it failed. */
    async function connect(rest: string, as = login): Promise<boolean | string> {
      const database = openDatabase(`${as}${rest}`)
      try {
        const text = 'select ssl from pg_stat_ssl where pid = pg_backend_pid()'
        const [row] = await database.query<[boolean]>({ name: '', text, values: [] })
        return row?.[0] ?? 'no row'
      } catch (error) {
        const { code, message } = (error as Error).cause as NodeJS.ErrnoException
        return code ?? message
      } finally {
        await database.close()
      }
    }
    const [named, byAddress] = [`localhost:${port}/global_logout`, `127.0.0.1:${port}/global_logout`]
    t.equal(await connect(named), false, 'without sslmode nothing is encrypted')
    t.equal(await connect(`${named}?sslmode=disable`), false)
    t.equal(await connect(`${named}?sslmode=no-verify`), true)
    for (const mode of ['prefer', 'require', 'verify-ca', 'verify-full']) {
      t.equal(await connect(`${named}?sslmode=${mode}`), 'DEPTH_ZERO_SELF_SIGNED_CERT', mode)
      t.equal(await connect(`${named}?sslmode=${mode}&sslrootcert=${cert}`), true, mode)
      t.equal(
        await connect(`${byAddress}?sslmode=${mode}&sslrootcert=${cert}`),
        'ERR_TLS_CERT_ALTNAME_INVALID',
        mode,
      )
    }
    if (Object.values(networkInterfaces()).some((each) => each?.some(({ address }) => address === '::1')))
      t.equal(await connect(`[::1]:${port}/global_logout`), false)
    const socket = encodeURIComponent(folder)
    t.equal(await connect(`${socket}:${port}/global_logout?sslmode=verify-full`), false, 'a socket')
    t.equal(await connect(`/global_logout?host=${socket}&port=${port}`), false)
    const both = `127.0.0.1:${port},localhost:${port}/global_logout?sslmode=require&sslrootcert=${cert}`
    t.equal(await connect(both), true, 'the name of each host is checked, and the next one tried')

    const bound = `${named}?sslmode=require&sslrootcert=${cert}&channel_binding=`
    for (const binding of ['disable', 'prefer', 'require'])
      t.equal(await connect(bound + binding), true, binding)
    await admin(server.url, (client) =>
      client.query(`create role clear login password 'x'; create role trusted login`),
    )
    for (const role of ['clear', 'trusted']) {
      t.equal(await connect(`${bound}prefer`, `postgres://${role}:x@`), true, role)
      t.match(
        await connect(`${bound}require`, `postgres://${role}:x@`),
        /does not bind the login to the TLS channel/,
        role,
      )
    }
  },
)
