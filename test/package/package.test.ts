/**
 * The package as npm would publish it: packed, installed into an empty project, used from there in every way its readers may.
 * Needs a build, and npm's registry or cache for the package's own dependencies.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { builtFile, root } from '../examples/built.js'

const run = promisify(execFile)
const tool = (name: string) => join(root, 'node_modules', '.bin', name)

const program = `
const peer = await Peer.open({ id: 1, dataDir: './data' })
const zk = await peer.client({ codec: json })
await zk.create('/packed', { works: true })
console.log(JSON.stringify((await zk.get('/packed')).value), typeof tcp, typeof ipc, typeof memory)
await zk.delete('/packed')
await peer.close()
const ensemble = await openEnsemble(3, { seed: 3 })
await (await ensemble.client(1, { codec: json })).create('/tested', 1)
ensemble.kill(ensemble.leader())
await ensemble.until(() => ensemble.leader() !== undefined)
console.log(await (await ensemble.client()).getChildren('/'))
await ensemble.close()
`
const printed = "{\"works\":true} function function function\n[ 'tested', 'zookeeper' ]\n"

const typed = `
import type { Observable } from 'rxjs'
import { type Client, type Codec, type DataState, hasCode, json, op, Peer, type PeerOptions, type Stat } from 'vivarium'
import { type Ensemble, openEnsemble } from 'vivarium/testing'
import { ipc } from 'vivarium/transports/ipc'
import { memory, memoryNetwork } from 'vivarium/transports/memory'
import { tcp, type TcpOptions } from 'vivarium/transports/tcp'

interface Limits { readonly requests: number }
const at: TcpOptions = { port: 2888 }
const options: PeerOptions = { id: 1, dataDir: ':memory:', transport: tcp(at), members: { 1: 'tcp://127.0.0.1:2888' } }
export const others = [ipc({ path: '/tmp/x' }), memory({ network: memoryNetwork(), name: 'x' })]

export async function test(): Promise<Peer | undefined> {
  await using ensemble: Ensemble = await openEnsemble(3, { seed: 1, clock: 'virtual', peer: { tickMs: 500 } })
  const zk: Client<Limits> = await ensemble.client(1, { codec: json as Codec<Limits> })
  await ensemble.run(zk.set('/limits', { requests: 3 }, { upsert: true }))
  // @ts-expect-error: no such clock
  await openEnsemble(3, { clock: 'lunar' })
  // What takes a Peer takes those of an ensemble.
  return ensemble.peers.get(1)
}

export async function use(): Promise<bigint> {
  const peer = await Peer.open(options)
  const zk: Client<Limits> = await peer.client({ codec: json as Codec<Limits> })
  const limits$: Observable<DataState<Limits>> = zk.data$('/limits')
  limits$.subscribe(state => state.exists && state.value?.requests.toFixed())
  const [created, stat] = await zk.multi([op.create('/a', { requests: 1 }), op.set('/b', { requests: 2 })])
  const version: number = (stat satisfies Stat).version + created.path.length
  // @ts-expect-error: no such option
  await zk.set('/limits', { requests: version }, { versoin: 3 })
  // @ts-expect-error: not what the codec holds
  await zk.set('/limits', 'many').catch(error => hasCode(error, 'NO_NODE'))
  await peer.close()
  return zk.sync()
}
`

describe('the packed package', function () {
  this.timeout(180_000)
  let folder: string
  let tarball: string
  let files: string[]

  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }

  before(async () => {
    builtFile('lib', 'index.js')
    folder = mkdtempSync(join(tmpdir(), 'vivarium-package-'))
    const packing = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder]
    const [packed] = JSON.parse((await run('npm', packing, { cwd: root })).stdout)
    tarball = join(folder, packed.filename)
    files = packed.files.map((file: { path: string }) => file.path)
    write('package.json', JSON.stringify({ name: 'user', private: true }))
    await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', tarball, 'rxjs@7'], { cwd: folder })
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  it('has what a reader needs, and no sources, no tests, and no world but the one that users test with', () => {
    expect(files).to.include.members([
      'README.md',
      'LICENSE',
      'NOTICE',
      'CHANGELOG.md',
      'lib/README.md',
      'transports/README.md',
      'docs/format.md',
      'dist/lib/index.js',
      'dist/lib/index.d.ts',
      'dist/lib/testing/index.d.ts',
      'docs/testing.md',
    ])
    const strangers = files.filter(
      file =>
        (file.endsWith('.ts') && !file.endsWith('.d.ts')) ||
        /^(test|examples|benchmarks)\/|testing\/(simulated|world)/.test(file),
    )
    expect(strangers).to.deep.equal([])
  })

  it('runs by import', async () => {
    const imports = ['tcp', 'ipc', 'memory'].map(name => `import { ${name} } from 'vivarium/transports/${name}'`)
    imports.push("import { openEnsemble } from 'vivarium/testing'")
    const file = write('main.mjs', `import { json, Peer } from 'vivarium'\n${imports.join('\n')}\n${program}`)
    const { stdout, stderr } = await run(process.execPath, [file], { cwd: folder })
    expect(stdout).to.equal(printed)
    expect(stderr).to.equal('')
  })

  it('runs by require', async () => {
    const requires = ['tcp', 'ipc', 'memory'].map(name => `const { ${name} } = require('vivarium/transports/${name}')`)
    requires.push("const { openEnsemble } = require('vivarium/testing')")
    const file = write(
      'main.cjs',
      `const { json, Peer } = require('vivarium')\n${requires.join('\n')}\n;(async () => {${program}})()`,
    )
    const { stdout } = await run(process.execPath, [file], { cwd: folder })
    expect(stdout).to.equal(printed)
  })

  it('brings the command vivarium', async () => {
    write(
      'open.mjs',
      "import { Peer } from 'vivarium'\nawait (await Peer.open({ id: 9, dataDir: './nine' })).close()\n",
    )
    await run(process.execPath, ['open.mjs'], { cwd: folder })
    const { stdout } = await run('npx', ['--no-install', 'vivarium', 'inspect', 'nine'], { cwd: folder })
    expect(stdout).to.match(/^peer 9 of the ensemble "vivarium"/)
    const { stdout: version } = await run('npx', ['--no-install', 'vivarium', '--version'], { cwd: folder })
    expect(version).to.equal('0.1.0\n')
    const senseless = run('npx', ['--no-install', 'vivarium', 'inspct'], { cwd: folder })
    const error = await senseless.catch((failed: { code: number; stderr: string }) => failed)
    expect(error).to.include({ code: 64 })
    expect(error.stderr).to.include('vivarium inspect DIRECTORY')
  })

  it('refuses what it does not export', async () => {
    const file = write('inner.mjs', "await import('vivarium/dist/lib/core/peer.js')")
    const error = await run(process.execPath, [file], { cwd: folder }).catch((failed: { stderr: string }) => failed)
    expect(error.stderr).to.include('ERR_PACKAGE_PATH_NOT_EXPORTED')
  })

  it('has types that a strict program compiles against, its own declarations checked too', async () => {
    write('main.mts', typed)
    const compilerOptions = {
      module: 'nodenext',
      target: 'es2022',
      lib: ['es2023', 'esnext.disposable'],
      strict: true,
      noEmit: true,
      skipLibCheck: false,
      types: ['node'],
      typeRoots: [join(root, 'node_modules', '@types')],
    }
    const project = write('tsconfig.json', JSON.stringify({ compilerOptions, files: ['main.mts'] }))
    const { stdout } = await run(tool('tsc'), ['-p', project]).catch((failed: { stdout: string }) => failed)
    expect(stdout).to.equal('')
  })

  it('has no complaint of publint', async () => {
    const { stdout } = await run(tool('publint'), ['run', tarball, '--strict'], { cwd: root }).catch(
      (failed: { stdout: string }) => failed,
    )
    expect(stdout).to.include('All good!')
  })

  it('has types that resolve for whoever imports it (attw)', async () => {
    const check = run(tool('attw'), [tarball, '--profile', 'esm-only', '--no-color', '--no-emoji'], { cwd: root })
    const failed = await check.then(
      () => undefined,
      (error: { stdout: string }) => error.stdout,
    )
    expect(failed).to.equal(undefined)
  })
})
