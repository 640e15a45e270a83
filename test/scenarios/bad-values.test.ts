/** Whatever an application passes, by chance: a call succeeds or rejects with a ZooKeeperError, and the peer lives on and can be left. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import fc from 'fast-check'
import { type Client, json, op, Peer, raw, ZooKeeperError } from '../../lib/index.js'
import { contents, leavesNothing } from './refusal.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const index = new URL('../../lib/index.ts', import.meta.url).href
const tcp = new URL('../../transports/tcp/index.ts', import.meta.url).href

const anything = fc.oneof(
  fc.anything({
    withBigInt: true,
    withNullPrototype: true,
    withTypedArray: true,
    withSparseArray: true,
    withDate: true,
  }),
  fc.constantFrom<unknown>(Symbol('x'), () => 1, Number.NaN, -0, '\ud800', 2 ** 31, new Proxy({}, {}), new Map()),
)
const oddText = fc.string({ unit: fc.nat({ max: 0xffff }).map(unit => String.fromCharCode(unit)), maxLength: 6 })
const path = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('/a', '/a/b', '/c', '/none/x', '/') },
  { weight: 2, arbitrary: oddText.map(text => `/${text}`) },
  { weight: 1, arbitrary: anything },
)
const version = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(-1, 0, 1, 7) }, anything)
const entry = fc.oneof(
  fc.record({
    perms: version,
    scheme: fc.oneof(fc.constant('world'), oddText),
    id: fc.oneof(fc.constant('anyone'), oddText),
  }),
  anything,
)
const acl = fc.oneof(fc.array(entry, { maxLength: 3 }), anything)
const flag = fc.oneof(fc.boolean(), anything)
const options = fc.oneof(
  fc.record({ version, acl, ephemeral: flag, sequential: flag, timeout: version }, { requiredKeys: [] }),
  { weight: 4, arbitrary: fc.record({ version }, { requiredKeys: [] }) },
  fc.constant(undefined),
  fc.record({ acl, ephemeral: flag, sequential: flag }, { requiredKeys: [] }),
  anything,
)
const value = fc.oneof(fc.uint8Array(), anything)
const step = fc.oneof(
  fc.tuple(path, value, options).map(args => op.create(...(args as [never, never, never]))),
  fc.tuple(path, value, options).map(args => op.set(...(args as [never, never, never]))),
  fc.tuple(path, options).map(args => op.delete(...(args as [never, never]))),
  fc.tuple(path, options).map(args => op.check(...(args as [never, never]))),
  anything,
)
const call = fc.oneof(
  ...(['create', 'set'] as const).map(name => fc.tuple(fc.constant(name), path, value, options)),
  ...(['get', 'exists', 'delete', 'getChildren', 'getAcl', 'sync'] as const).map(name =>
    fc.tuple(fc.constant(name), path, options),
  ),
  fc.tuple(fc.constant('setAcl' as const), path, acl, options),
  fc.tuple(fc.constant('multi' as const), fc.oneof(fc.array(step, { maxLength: 3 }), anything), options),
  fc.tuple(fc.constant('update' as const), path, fc.oneof(fc.func(value), anything), options),
  fc.tuple(fc.constantFrom('data$' as const, 'events$' as const, 'at' as const, 'chroot' as const), path, options),
) as fc.Arbitrary<[keyof Client, ...unknown[]]>

describe('bad input: values', () => {
  leavesNothing()

  describe('of any kind', () => {
    it('end in a result or a ZooKeeperError, and never in the peer', async () => {
      const dataDir = await mkdtemp(join(tmpdir(), 'vivarium-bad-input-'))
      try {
        let written: ReturnType<typeof contents>
        {
          await using peer = await Peer.open({ id: 1, dataDir, outstandingMax: 100_000 })
          const clients = [await peer.client({ codec: raw }), await peer.client({ codec: json })] as Client<unknown>[]
          const codes = new Map<string, number>()
          await fc.assert(
            fc.asyncProperty(fc.nat(1), fc.array(call, { maxLength: 5 }), async (which, calls) => {
              const zk = clients[which]!
              const called = calls.map(async ([name, ...args]) =>
                (zk[name] as (...args: unknown[]) => unknown)(...args),
              )
              for (const result of await Promise.allSettled(called)) {
                const code = result.status === 'fulfilled' ? 'OK' : (result.reason as ZooKeeperError).code
                codes.set(code, (codes.get(code) ?? 0) + 1)
                if (result.status === 'rejected') expect(result.reason).to.be.instanceOf(ZooKeeperError)
              }
              expect(peer.health().ok).to.equal(true)
            }),
            { numRuns: 1500 },
          )
          // The test is worth something only if calls got through, too.
          for (const code of ['OK', 'BAD_ARGUMENTS', 'INVALID_ACL', 'CODEC_ERROR', 'NO_NODE', 'BAD_VERSION'])
            expect(codes.get(code), `${code} of ${JSON.stringify([...codes])}`).to.be.above(5)
          await Promise.all(clients.map(zk => zk.sync()))
          for (const zk of clients) await zk.close()
          written = contents(peer)
        }
        await using again = await Peer.open({ id: 1, dataDir })
        await again.serving({ timeout: 5000 })
        expect(contents(again)).to.deep.equal(written)
      } finally {
        await rm(dataDir, { recursive: true, force: true })
      }
    })

    it('R3: leave a process that ends by itself, whatever was refused in it', async () => {
      const program = `
        import { createServer } from 'node:net'
        import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
        import { Peer } from '${index}'
        import { tcp } from '${tcp}'
        process.on('unhandledRejection', reason => { console.log('unheard', reason); process.exitCode = 1 })
        const code = call => call.then(() => 'OK', error => error.code)
        const dir = mkdtempSync('${join(tmpdir(), 'vivarium-bad-input-')}')
        const server = createServer()
        await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
        const { port } = server.address()
        const members = { 1: 'tcp://127.0.0.1:' + port, 2: 'tcp://127.0.0.1:1', 3: 'tcp://127.0.0.1:2' }
        const said = []
        said.push(await code(Peer.open({ id: 0 })))
        said.push(await code(Peer.open({ id: 1, dataDir: dir, members, transport: tcp({ port }) })))
        const peer = await Peer.open({ id: 1, dataDir: dir })
        said.push(await code(Peer.open({ id: 1, dataDir: dir })))
        said.push(await code(peer.client({ colour: 'red' })))
        const zk = await peer.client()
        said.push(await code(zk.get('none')), await code(zk.get('/none')), await code(zk.set('/none', 'text')))
        zk.data$('/none').subscribe()
        await Promise.all([peer.close(), peer.close()])
        said.push(await code(zk.get('/none')), await code(peer.client()))
        writeFileSync(dir + '/identity', 'nonsense')
        said.push(await code(Peer.open({ id: 1, dataDir: dir })))
        server.close()
        const alone = await Peer.open({ id: 1, dataDir: ':memory:', members, transport: tcp({ port: 0 }), closeTimeoutMs: 500 })
        said.push(await code(alone.client({ timeout: 50 })), await code(alone.client({ signal: AbortSignal.timeout(20) })))
        const opening = alone.client()
        alone.close()
        said.push(await code(opening))
        rmSync(dir, { recursive: true })
        console.log(said.join(' '))`
      const { stdout } = await promisify(execFile)(
        process.execPath,
        ['--import', 'tsx', '--input-type=module', '--eval', program],
        { cwd: root, timeout: 15_000 },
      )
      expect(stdout.trim().split(' ')).to.deep.equal([
        'BAD_OPTIONS',
        'PORT_IN_USE',
        'DATA_DIR_LOCKED',
        'BAD_OPTIONS',
        'BAD_ARGUMENTS',
        'NO_NODE',
        'CODEC_ERROR',
        'CLOSED',
        'CLOSED',
        'DATA_CORRUPT',
        'CONNECTION_LOSS',
        'ABORTED',
        'CLOSED',
      ])
    })
  })
})
