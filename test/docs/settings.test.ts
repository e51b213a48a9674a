/**
 * README, .env.example, docker-compose.yml and src/config.ts name the same settings. The files for Docker, Kubernetes and systemd are
 * valid, and run the service with the least rights.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Deployment } from 'kubernetes-models/apps/v1/Deployment'
import { Job } from 'kubernetes-models/batch/v1/Job'
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy'
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget'
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap'
import { Service } from 'kubernetes-models/v1/Service'
import { ServiceAccount } from 'kubernetes-models/v1/ServiceAccount'
import t from 'tap'
import { parse, parseAllDocuments } from 'yaml'
import { compile } from '../support/compile.ts'
import { isInstalled, runProgram } from '../support/run-program.ts'
import { problemsOf } from '../support/settings.ts'
import { readmeTable } from './readme.ts'

const read = (file: string) => readFile(new URL(`../../${file}`, import.meta.url), 'utf8')
const matches = (text: string, pattern: RegExp) =>
  [...text.matchAll(pattern)].map(([, name = '']) => name).sort()
const unique = (names: string[]) => [...new Set(names)]

/** A manifest as far as the tests look into it. */
interface Manifest {
  apiVersion: string
  kind: string
  data?: Record<string, string>
  spec?: { template?: { spec: { terminationGracePeriodSeconds?: number } } }
}

const documented = readmeTable('Settings').map(([name = '']) => name)
const inConfig = matches(await read('src/config.ts'), /^ {2}([A-Z][A-Z_]*): /gm)
const compose = parse(await read('docker-compose.yml'))
const manifests: Manifest[] = (
  await Promise.all(['migrate', 'global-logout'].map((name) => read(`examples/kubernetes/${name}.yaml`)))
).flatMap((text) => parseAllDocuments(text).map((one) => one.toJS()))
const unit = await read('examples/systemd/global-logout.service')
const skip =
  !process.env.CI && !(await isInstalled('systemd-analyze', '--version')) && 'no systemd-analyze here'
const inExample = matches(await read('.env.example'), /^(?:# )?([A-Z][A-Z_]*)=/gm)
const inCompose = unique(matches(await read('docker-compose.yml'), /\$\{([A-Z_]+)/g))

t.test('the README lists every setting, and no other', async (t) => {
  t.same([...documented].sort(), inConfig)
})

t.test('each listed setting is read: a wrong value is reported by its name', async (t) => {
  // A name may be almost any text.
  const wrong = Object.fromEntries(
    documented.map((name) => [name, name === 'APP_NAME' ? 'x'.repeat(100) : '?/ wrong']),
  )
  const problems = problemsOf(wrong)
  t.same(unique(problems.map((line) => line.split(':', 1)[0] ?? '')).sort(), inConfig)
})

t.test('docker-compose.yml passes every setting on, and .env.example names each', async (t) => {
  t.same(inExample, inCompose)
  const ownOfCompose = ['DATABASE_URL', 'DATABASE_DIRECT_URL', 'HOST']
  t.same(
    inCompose.filter((name) => !/^(POSTGRES|SERVICE)_PASSWORD$/.test(name)),
    inConfig.filter((name) => !ownOfCompose.includes(name)),
  )
})

t.test(
  'the container of the service gets the login of the service, and only migrations that of the owner',
  async (t) => {
    const { migrate, 'global-logout': service } = compose.services
    t.match(service.environment.DATABASE_URL, /^postgres:\/\/gl_service:\$\{SERVICE_PASSWORD/)
    t.notMatch(JSON.stringify(service), 'POSTGRES_PASSWORD')
    t.match(service.depends_on, { migrate: { condition: 'service_completed_successfully' } })
    t.match(migrate, { command: ['node', 'bin/global-logout.js', 'migrate'], restart: 'no' })
    const script = './examples/compose/service-login.sh'
    t.ok(compose.services.postgres.volumes.some((volume: string) => volume.startsWith(`${script}:`)))
    const made = await read(script)
    t.match(made, 'create role gl_service login')
    t.match(made, 'in role global_logout_service;')
  },
)

t.test('the manifests for Kubernetes are valid by its schemas and types', async (t) => {
  const models = { ConfigMap, Deployment, Job, NetworkPolicy, PodDisruptionBudget, Service, ServiceAccount }
  t.same(manifests.map(({ kind }) => kind).sort(), Object.keys(models))
  const imports = []
  const constants = []
  for (const [n, manifest] of manifests.entries()) {
    const { apiVersion, kind } = manifest
    const Model = models[kind as keyof typeof models]
    t.doesNotThrow(() => new Model(manifest as never).validate(), kind)
    imports.push(`import type { I${kind} } from 'kubernetes-models/${apiVersion}'`)
    constants.push(`export const m${n}: I${kind} = ${JSON.stringify(manifest)}`)
  }
  // The schemas take unknown fields. The types do not.
  const folder = t.testdir({
    'tsconfig.json': JSON.stringify({
      compilerOptions: {
        strict: true,
        module: 'esnext',
        moduleResolution: 'bundler',
        skipLibCheck: true,
        types: [],
      },
      files: ['manifests.ts', 'misspelt.ts'],
    }),
  })
  const text = [...imports, ...constants].join('\n')
  await writeFile(join(folder, 'manifests.ts'), text)
  await writeFile(join(folder, 'misspelt.ts'), text.replace('"livenessProbe"', '"livenessProb"'))
  const errors = await compile(folder)
  t.notMatch(errors, 'manifests.ts')
  t.match(errors, /misspelt\.ts.*livenessProb/s, 'a misspelt field is found')
})

t.test('the manifests for Kubernetes fit the service, and give it no rights', async (t) => {
  const of = (kind: string) => manifests.find((manifest) => manifest.kind === kind) as Manifest
  t.same(
    Object.keys(of('ConfigMap').data ?? {}).filter((name) => !inConfig.includes(name)),
    [],
  )
  t.same(problemsOf({ ...of('ConfigMap').data, DATABASE_URL: 'postgres://x/y' }), [])
  for (const kind of ['Deployment', 'Job']) {
    t.match(of(kind).spec?.template?.spec, {
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          image: 'registry.example.com/global-logout:0.1.0',
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
        },
      ],
    })
  }
  const pod = of('Deployment').spec?.template?.spec
  const probe = (path: string) => ({ httpGet: { path } })
  t.match(pod, {
    containers: [
      {
        startupProbe: probe('/healthz'),
        livenessProbe: probe('/healthz'),
        readinessProbe: probe('/readyz'),
        ports: [{ containerPort: 4000 }],
      },
    ],
  })
  t.ok((pod?.terminationGracePeriodSeconds ?? 0) >= 5 + 15, 'the pause before the stop, and the stop')
  t.match(of('Service').spec, { ports: [{ port: 4000 }] })
  t.match(of('NetworkPolicy').spec, {
    ingress: [{ ports: [{ port: 4000 }] }],
    policyTypes: ['Ingress', 'Egress'],
  })
})

t.test('systemd takes the unit, and judges that it is exposed little', { skip }, async (t) => {
  const file = join(t.testdir(), 'global-logout.service')
  await writeFile(file, unit.replace('/usr/bin/node', process.execPath))
  const { stderr } = await runProgram('systemd-analyze', ['verify', file])
  t.equal(stderr, '')
  // In tenths: 0 is none, 100 is all.
  const judged = await runProgram('systemd-analyze', ['security', '--offline=true', '--threshold=20', file])
  t.match(judged.stdout, /exposure level .* OK/)
  const wrong = unit
    .replace('ProtectHome=yes', 'ProtectHome=maybe')
    .replace('/usr/bin/node', process.execPath)
  await writeFile(file, wrong)
  const found = await runProgram('systemd-analyze', ['verify', file]).catch((error) => error)
  t.match(found.stderr, 'protect home value', 'a mistake is found')
})
