/** What a client's calls and a peer's options get that are wrong: issue "What bad input gets", the part that needs one peer. */
import { getEventListeners } from 'node:events'
import { expect } from 'chai'
import { lastValueFrom, toArray } from 'rxjs'
import { type Acl, type Client, type ErrorCode, json, op, Peer, type PeerOptions, raw, text } from '../../lib/index.js'
import { ipc } from '../../transports/ipc/index.js'
import { memory, memoryNetwork } from '../../transports/memory/index.js'
import { tcp } from '../../transports/tcp/index.js'
import { contents, leavesNothing, refused } from './refusal.js'

const MOST = 1_048_575

describe('bad input', () => {
  leavesNothing()

  describe('to a client', () => {
    let peer: Peer
    let zk: Client<string>
    let before: ReturnType<typeof contents>
    let zxid: bigint
    beforeEach(async () => {
      peer = await Peer.open({ id: 1, dataDir: ':memory:' })
      zk = await peer.client({ codec: text })
      await zk.create('/a', 'one')
      await zk.create('/a/b', 'two')
      before = contents(peer)
      zxid = peer.view.zxid
    })
    afterEach(async () => {
      try {
        // Nothing changed, and the client and its peer are as good as before.
        expect(contents(peer)).to.deep.equal(before)
        expect(peer.health()).to.deep.equal({ ok: true, reasons: [] })
        expect((await zk.get('/a')).value).to.equal('one')
        await zk.set('/a', 'more')
      } finally {
        await peer.close()
      }
    })

    /** Refused by the client itself: the ensemble has not heard of it. */
    const refusedAtOnce = async (call: Parameters<typeof refused>[0], code: ErrorCode) => {
      const error = await refused(call, code)
      expect(error.outcome).to.equal('not-applied')
      expect(peer.view.zxid).to.equal(zxid)
      return error
    }

    const invalidPaths: readonly (readonly [rule: string, ...paths: readonly unknown[]])[] = [
      ['is not empty, not null', '', null, undefined],
      ['starts with /', 'a', 'a/b', ' /a', '\\a'],
      ['does not end with /', '/a/', '/a/b/', '//'],
      ['has no empty component', '//a', '/a//b'],
      ['has no . or .. component', '/.', '/..', '/a/.', '/a/..', '/./a', '/a/../b'],
      ['has no NUL', '/\0', '/a\0b', '/a/b\0'],
      ['has no control characters', '/\u0001', '/a\u001f', '/a\n', '/\u007f', '/\u0080', '/\u009f/a'],
      ['has no surrogates and no private use', '/\ud800', '/a\udfff', '/\u{1F600}', '/\ue000', '/a/\uf8ff'],
      ['has nothing of the specials block', '/\ufff0', '/a\ufffd', '/\uffff'],
      ['is a text', 1, {}, [], ['/a'], Symbol('/a'), 1n, true, Object.create(null), () => '/a'],
    ]
    for (const [rule, ...paths] of invalidPaths) {
      it(`refuses a path that breaks the rule: a path ${rule}`, async () => {
        for (const path of paths as string[]) {
          for (const call of [
            ...(path === undefined ? [] : [zk.sync(path)]),
            zk.create(path, 'x'),
            zk.create(path, 'x', { parents: true, ifMissing: true }),
            zk.get(path),
            zk.exists(path),
            zk.set(path, 'x'),
            zk.set(path, 'x', { upsert: true }),
            zk.update(path, () => 'x'),
            zk.delete(path),
            zk.delete(path, { recursive: true, ifExists: true }),
            zk.getChildren(path),
            zk.walk(path).next(),
            zk.getAcl(path),
            zk.setAcl(path, [{ perms: 31, scheme: 'world', id: 'anyone' }]),
            zk.multi([op.set('/a', 'x'), op.create(path, 'x')]),
            zk.multi([op.set('/a', 'x'), op.set(path, 'x')]),
            zk.multi([op.set('/a', 'x'), op.delete(path)]),
            zk.multi([op.set('/a', 'x'), op.check(path)]),
          ])
            await refusedAtOnce(call, 'BAD_ARGUMENTS')
          for (const stream of ['data$', 'exists$', 'children$', 'subtree$', 'events$', 'at', 'chroot'] as const)
            await refusedAtOnce(() => zk[stream](path), 'BAD_ARGUMENTS')
          if (path !== undefined && path !== null) await refusedAtOnce(peer.client({ chroot: path }), 'BAD_OPTIONS')
        }
      })
    }

    it('takes a path that ends with / for a sequential znode only', async () => {
      await refusedAtOnce(zk.create('/a/', 'x'), 'BAD_ARGUMENTS')
      await refusedAtOnce(zk.create('/a//', 'x', { sequential: true }), 'BAD_ARGUMENTS')
      const path = await zk.create('/a/', 'x', { sequential: true })
      expect(path).to.equal('/a/0000000001')
      before = contents(peer)
    })

    it('refuses to delete the root, and what ZooKeeper keeps for itself', async () => {
      await refusedAtOnce(zk.delete('/'), 'BAD_ARGUMENTS')
      await refusedAtOnce(zk.multi([op.delete('/')]), 'BAD_ARGUMENTS')
      await refused(zk.delete('/zookeeper'), ['BAD_ARGUMENTS', 'NO_NODE', 'NOT_EMPTY'])
    })

    it('refuses data over the limit, alone and in a multi, and takes what is just within it', async () => {
      await using bytes = await peer.client()
      zxid = peer.view.zxid
      const tooMuch = new Uint8Array(MOST + 1)
      for (const call of [
        bytes.create('/big', tooMuch),
        bytes.create('/big/big', tooMuch, { parents: true }),
        bytes.set('/a', tooMuch),
        bytes.set('/a', tooMuch, { upsert: true }),
        bytes.update('/a', () => tooMuch),
        bytes.multi([op.set('/a', tooMuch)]),
        bytes.multi([op.set('/a', tooMuch.subarray(1)), op.set('/a/b', Uint8Array.of(1))]),
        bytes.multi([op.delete('/a/b'), op.create('/c', tooMuch.subarray(1)), op.create('/d', Uint8Array.of(1))]),
      ])
        await refusedAtOnce(call, 'DATA_TOO_LARGE')
      await bytes.create('/big', tooMuch.subarray(1))
      expect((await bytes.get('/big')).value).to.have.length(MOST)
      await bytes.delete('/big')
      await zk.create('/c')
      await zk.delete('/c')
      before = contents(peer)
    })

    it('refuses a multi whose paths and steps alone outgrow one message', async () => {
      const checks = (count: number, path: string) => Array.from({ length: count }, () => op.check(path))
      await refusedAtOnce(zk.multi(checks(100_000, '/a')), 'DATA_TOO_LARGE')
      const long = `/${'a'.repeat(20_000)}`
      await refusedAtOnce(zk.multi(checks(100, long)), 'DATA_TOO_LARGE')
      await zk.multi(checks(10_000, '/a'))
      for (const call of [
        zk.get(`/${'a'.repeat(2 * MOST)}`),
        zk.exists(`/${'a'.repeat(2 * MOST)}`),
        zk.sync(`/${'a'.repeat(2 * MOST)}`),
        zk.delete(`/${'ä'.repeat(MOST)}`),
        zk.create(`/${'€'.repeat(MOST / 2)}`, 'x'),
      ])
        await refused(call, 'DATA_TOO_LARGE')
    })

    it('refuses a version that is not that of the znode, and says which step of a multi it was', async () => {
      for (const version of [1, 7, -2, 2 ** 31 - 1, -(2 ** 31)]) {
        expect((await refused(zk.set('/a', 'x', { version }), 'BAD_VERSION')).path).to.equal('/a')
        await refused(zk.delete('/a/b', { version }), 'BAD_VERSION')
        await refused(zk.delete('/a', { version, recursive: true }), 'BAD_VERSION')
        await refused(zk.setAcl('/a', [{ perms: 1, scheme: 'world', id: 'anyone' }], { version }), 'BAD_VERSION')
        const error = await refused(
          zk.multi([op.set('/a', 'x'), op.delete('/a/b'), op.check('/a', { version: version === 1 ? 0 : version })]),
          'BAD_VERSION',
        )
        expect([error.index, error.path]).to.deep.equal([2, '/a'])
      }
    })

    it('refuses a version that is no signed number of 32 bits', async () => {
      for (const version of [
        2 ** 31,
        -(2 ** 31) - 1,
        0.5,
        Number.NaN,
        Number.POSITIVE_INFINITY,
        '0',
        null,
        1n,
        {},
      ] as number[]) {
        const acl = [{ perms: 1, scheme: 'world', id: 'anyone' }]
        for (const call of [
          zk.set('/a', 'x', { version }),
          zk.delete('/a/b', { version }),
          zk.delete('/a', { version, recursive: true }),
          zk.setAcl('/a', acl, { version }),
          zk.multi([op.set('/a', 'x', { version })]),
          zk.multi([op.set('/a', 'x'), op.delete('/a/b', { version })]),
          zk.multi([op.set('/a', 'x'), op.check('/a', { version })]),
        ])
          await refusedAtOnce(call, 'BAD_ARGUMENTS')
      }
    })

    it('says NO_NODE for what is not there, or has no parent', async () => {
      const acl = [{ perms: 1, scheme: 'world', id: 'anyone' }]
      for (const call of [
        zk.get('/none'),
        zk.set('/none', 'x'),
        zk.update('/none', () => 'x'),
        zk.delete('/none'),
        zk.delete('/none', { recursive: true }),
        zk.getChildren('/none'),
        zk.walk('/none').next(),
        zk.getAcl('/none'),
        zk.setAcl('/none', acl),
        zk.create('/none/x', 'x'),
        zk.create('/none/x', 'x', { ephemeral: true, sequential: true }),
        zk.multi([op.set('/a', 'x'), op.set('/none', 'x')]),
      ])
        expect((await refused(call, 'NO_NODE')).outcome).to.equal('not-applied')
      expect(await zk.exists('/none')).to.equal(undefined)
      await refused(zk.create('/a', 'x'), 'NODE_EXISTS')
      await refused(zk.delete('/a'), 'NOT_EMPTY')
    })

    it('refuses an ACL that cannot be stored', async () => {
      const entry = { perms: 31, scheme: 'world', id: 'anyone' }
      const holes = [entry]
      holes.length = 2
      for (const acl of [
        null,
        [],
        'world:anyone',
        {},
        [null],
        holes,
        [entry, undefined],
        [{ ...entry, perms: Number.NaN }],
        [{ ...entry, perms: 2 ** 31 }],
        [{ ...entry, perms: '31' }],
        [{ ...entry, perms: 1.5 }],
        [entry, { ...entry, scheme: 'digest', id: '\ud800:x' }],
        [{ ...entry, scheme: '\udc00' }],
        [{ ...entry, id: undefined }],
      ] as Acl[]) {
        await refusedAtOnce(zk.create('/c', 'x', { acl }), 'INVALID_ACL')
        await refusedAtOnce(zk.create('/c/d', 'x', { acl, parents: true }), 'INVALID_ACL')
        await refusedAtOnce(zk.setAcl('/a', acl), 'INVALID_ACL')
        await refusedAtOnce(zk.multi([op.set('/a', 'x'), op.create('/c', 'x', { acl })]), 'INVALID_ACL')
      }
      await refusedAtOnce(zk.setAcl('/a', undefined as never), 'INVALID_ACL')
      for (const wrong of [
        { scheme: 'none', id: 'x' },
        { scheme: 'world', id: 'x' },
        { scheme: 'digest', id: 'x' },
      ])
        await refused(zk.create('/c', 'x', { acl: [{ perms: 31, ...wrong }] }), 'INVALID_ACL')
    })

    it('refuses options that a call does not have, and values that they cannot have', async () => {
      const wrong = (options: unknown) => options as object
      for (const options of [
        null,
        7,
        'sync',
        { colour: 'red' },
        { timeout: 0 },
        { timeout: -1 },
        { timeout: Number.NaN },
        { timeout: '1' },
        { timeout: 2 ** 40 },
        { signal: 'now' },
        { signal: null },
        { signal: { aborted: false } },
      ])
        for (const call of [
          zk.create('/c', 'x', wrong(options)),
          zk.get('/a', wrong(options)),
          zk.exists('/a', wrong(options)),
          zk.set('/a', 'x', wrong(options)),
          zk.update('/a', () => 'x', wrong(options)),
          zk.delete('/a/b', wrong(options)),
          zk.getChildren('/a', wrong(options)),
          zk.walk('/a', wrong(options)).next(),
          zk.getAcl('/a', wrong(options)),
          zk.setAcl('/a', [{ perms: 1, scheme: 'world', id: 'anyone' }], wrong(options)),
          zk.multi([op.set('/a', 'x')], wrong(options)),
          zk.sync('/', wrong(options)),
        ])
          await refusedAtOnce(call, 'BAD_ARGUMENTS')
      for (const flag of ['ephemeral', 'sequential', 'parents', 'ifMissing'])
        for (const value of ['yes', 1, null])
          await refusedAtOnce(zk.create('/c', 'x', wrong({ [flag]: value })), 'BAD_ARGUMENTS')
      for (const options of [{ recursive: 1 }, { ifExists: 'true' }])
        await refusedAtOnce(zk.delete('/a/b', wrong(options)), 'BAD_ARGUMENTS')
      await refusedAtOnce(zk.set('/a', 'x', wrong({ upsert: 1 })), 'BAD_ARGUMENTS')
      await refusedAtOnce(zk.set('/a', 'x', { upsert: true, version: 0 }), 'BAD_ARGUMENTS')
      await refusedAtOnce(() => zk.events$('/a', wrong({ deep: true })), 'BAD_ARGUMENTS')
      await refusedAtOnce(() => zk.events$('/a', null as never), 'BAD_ARGUMENTS')
      await refusedAtOnce(() => zk.at('/a', {} as never), 'BAD_ARGUMENTS')
      await refusedAtOnce(zk.update('/a', 'x' as never), 'BAD_ARGUMENTS')
    })

    it('refuses steps of a multi that are none', async () => {
      const holes = [op.set('/a', 'x')]
      holes.length = 3
      for (const steps of [
        undefined,
        null,
        'steps',
        op.set('/a', 'x'),
        [undefined],
        [op.set('/a', 'x'), null],
        holes,
        [{}],
        [{ kind: '__proto__', path: '/a' }],
        [{ kind: 'setData', path: '/a', data: null, version: -1 }],
        [{ kind: 'set', path: '/a' }],
        [op.set('/a', 'x', { upsert: true } as never)],
        [op.create('/c', 'x', { parents: true } as never)],
        [op.create('/c', 'x', { ephemeral: 'yes' } as never)],
        [op.delete('/a/b', null as never)],
      ] as never[])
        await refusedAtOnce(zk.multi(steps), 'BAD_ARGUMENTS')
    })

    it('refuses a value that its codec cannot encode, and one that it cannot decode', async () => {
      await using bytes = await peer.client({ codec: raw })
      await using object = await peer.client({ codec: json })
      const failing = { name: 'failing', encode: () => 'no bytes' as never, decode: () => expect.fail('of the codec') }
      await using broken = await peer.client({ codec: failing })
      zxid = peer.view.zxid
      const circle: unknown[] = []
      circle.push(circle)
      for (const value of [
        'text',
        1,
        null,
        {},
        [1, 2],
        new ArrayBuffer(2),
        new DataView(new ArrayBuffer(1)),
      ] as never[])
        for (const call of [bytes.create('/c', value), bytes.set('/a', value), bytes.multi([op.set('/a', value)])])
          await refusedAtOnce(call, 'CODEC_ERROR')
      await refusedAtOnce(zk.set('/a', 1 as never), 'CODEC_ERROR')
      for (const value of [circle, 1n, () => 1, Symbol('x')])
        await refusedAtOnce(object.set('/a', value), 'CODEC_ERROR')
      await refusedAtOnce(broken.set('/a', 'x' as never), 'CODEC_ERROR')
      await refusedAtOnce(broken.get('/a'), 'CODEC_ERROR')
      await refusedAtOnce(object.get('/a'), 'CODEC_ERROR')
      await refusedAtOnce(lastValueFrom(object.data$('/a')), 'CODEC_ERROR')
      const cause = (await refused(object.get('/a'), 'CODEC_ERROR')).cause
      expect(cause).to.be.instanceOf(SyntaxError)
    })

    it('copies what it is given and what it gives, so that nobody can change the past', async () => {
      await using bytes = await peer.client()
      const data = Uint8Array.of(1, 2, 3)
      const acl = [{ perms: 31, scheme: 'world', id: 'anyone' }]
      const steps = [op.create('/c', data, { acl }), op.set('/a', data)]
      const options = { acl, parents: true }
      const calls = [bytes.create('/d/e', data, options), bytes.multi(steps), bytes.create('/f', data, { acl })]
      data.fill(9)
      Object.assign(acl[0]!, { perms: Number.NaN, scheme: 'none' })
      Object.assign(options, { ephemeral: true, parents: false })
      steps.length = 0
      await Promise.all(calls)
      for (const path of ['/c', '/a', '/d/e', '/f']) {
        const first = (await bytes.get(path)).value!
        expect([...first]).to.deep.equal([1, 2, 3])
        first.fill(7)
        expect([...(await bytes.get(path)).value!]).to.deep.equal([1, 2, 3])
        const read = (await bytes.getAcl(path)).acl
        expect(read).to.deep.equal([{ perms: 31, scheme: 'world', id: 'anyone' }])
        Object.assign(read[0]!, { perms: 1 })
        expect((await bytes.getAcl(path)).acl[0]!.perms).to.equal(31)
      }
      expect((await bytes.exists('/d/e'))!.ephemeralOwner).to.equal(0n)
      await zk.delete('/c')
      await zk.delete('/d', { recursive: true })
      await zk.delete('/f')
      await zk.set('/a', 'one')
      before = contents(peer)
    })

    it('lets many calls share a signal without a warning, and leaves no listener on it', async () => {
      const warnings: Error[] = []
      const warn = (warning: Error) => warnings.push(warning)
      process.on('warning', warn)
      try {
        const { signal } = new AbortController()
        const controller = new AbortController()
        const answered = Array.from({ length: 30 }, () => zk.get('/a', { signal }))
        const aborted = Array.from({ length: 30 }, () =>
          refused(zk.get('/a', { signal: controller.signal }), 'ABORTED'),
        )
        expect(getEventListeners(signal, 'abort')).to.have.length(1)
        controller.abort()
        await Promise.all([...answered, ...aborted])
        const clients = Array.from({ length: 15 }, () => peer.client({ codec: text, signal }))
        expect(getEventListeners(signal, 'abort'), 'of all clients and of what they are asked').to.have.length(1)
        await Promise.all(
          (await Promise.all(clients)).map(client => client.exists('/a', { signal }).then(() => client.close())),
        )
        for (const each of [signal, controller.signal]) expect(getEventListeners(each, 'abort')).to.deep.equal([])
        await new Promise(resolve => setImmediate(resolve))
        expect(warnings).to.deep.equal([])
      } finally {
        process.off('warning', warn)
      }
    })

    it('refuses everything after close(), which may be called twice', async () => {
      const other = await peer.client({ codec: text })
      await Promise.all([other.close(), other.close()])
      await other.close()
      zxid = peer.view.zxid
      for (const call of [
        other.create('/c', 'x'),
        other.get('/a'),
        other.exists('/a'),
        other.set('/a', 'x'),
        other.set('/a', 'x', { upsert: true }),
        other.update('/a', () => 'x'),
        other.delete('/a/b'),
        other.delete('/a', { recursive: true }),
        other.getChildren('/a'),
        other.walk('/a').next(),
        other.getAcl('/a'),
        other.setAcl('/a', [{ perms: 1, scheme: 'world', id: 'anyone' }]),
        other.multi([op.set('/a', 'x')]),
        other.sync(),
        other.at('/a').get(),
        other.chroot('/a').get('/b'),
        lastValueFrom(other.data$('/a')),
        lastValueFrom(other.exists$('/a')),
        lastValueFrom(other.children$('/a')),
        lastValueFrom(other.subtree$('/a')),
        lastValueFrom(other.events$('/a')),
      ])
        await refusedAtOnce(call, 'CLOSED')
      expect(await lastValueFrom(other.state$.pipe(toArray()))).to.deep.equal(['closed'])
    })
  })

  describe('in options', () => {
    it('of a peer are all named in one error', async () => {
      const error = await refused(
        Peer.open({
          id: 0,
          dataDir: 5,
          tickMs: 'fast',
          dataBytesMax: -1,
          closeTimeoutMs: Number.NaN,
          ensemble: '',
          logger: { info() {} },
          transport: {},
          members: { 1: '', x: 'tcp://127.0.0.1:1', 3: { address: 'tcp://127.0.0.1:3', role: 'king' } },
          colour: 'red',
        } as unknown as PeerOptions),
        'BAD_OPTIONS',
      )
      for (const name of [
        'id ',
        'dataDir',
        'tickMs',
        'dataBytesMax',
        'closeTimeoutMs',
        'ensemble',
        'logger',
        'transport',
        'members.1',
        'members.x',
        'members.3',
        'colour',
      ])
        expect(error.message).to.include(name)
    })

    it('of a peer: a transport that another peer has, who does not notice', async () => {
      const network = memoryNetwork()
      const transport = memory({ network, name: '1' })
      const options = { id: 1, dataDir: ':memory:', transport, members: { 1: 'memory://1' } }
      await using _first = await Peer.open(options)
      await refused(Peer.open(options), 'BAD_OPTIONS')
      const dialler = memory({ network, name: 'somebody' })
      const connection = await dialler.dial('memory://1', { signal: new AbortController().signal })
      connection.destroy()
      await dialler.close()
    })

    it('of a peer are refused one by one', async () => {
      const eight = Object.fromEntries(Array.from({ length: 8 }, (_, n) => [n + 1, `memory://${n}`]))
      for (const options of [undefined, null, [], 'open', 1]) await refused(Peer.open(options as never), 'BAD_OPTIONS')
      for (const [options, name] of [
        [{ id: undefined }, 'id'],
        [{ id: 255 }, 'id'],
        [{ id: '1' }, 'id'],
        [{ dataDir: undefined }, 'dataDir'],
        [{ dataDir: '' }, 'dataDir'],
        [{ dataDir: 'a\0b' }, 'dataDir'],
        [{ storage: {} }, 'storage'],
        [{ members: [] }, 'members'],
        [{ members: {} }, 'members'],
        [{ members: { 2: 'memory://2' } }, 'members'],
        [{ members: eight }, '7'],
        [{ members: { 1: 'memory://1', 2: 'memory://1' } }, 'members.2'],
        [{ members: { 1: 'memory://1', 2: { address: 'memory://2', colour: 'red' } } }, 'colour'],
        [{ members: { 1: 'memory://1', 2: 'memory://2' } }, 'transport'],
        [{ members: { 1: { address: 'memory://1', role: 'observer' } } }, 'members'],
        [{ ensemble: 'é'.repeat(200) }, 'ensemble'],
        [{ ensemble: '\ud800' }, 'ensemble'],
        [{ sessionTimeoutMinMs: 10, sessionTimeoutMaxMs: 9 }, 'sessionTimeoutMinMs'],
        [{ outstandingMax: 0.5 }, 'outstandingMax'],
        [{ __proto__: null, id: 1, dataDir: ':memory:', constructor: 1 }, 'constructor'],
      ] as const) {
        const error = await refused(Peer.open({ id: 1, dataDir: ':memory:', ...options } as PeerOptions), 'BAD_OPTIONS')
        expect(error.message).to.include(name)
      }
    })

    it('of a client are all named in one error', async () => {
      await using peer = await Peer.open({ id: 1, dataDir: ':memory:' })
      const error = await refused(
        peer.client({
          codec: { encode() {} },
          timeout: 0,
          sessionTimeoutMs: Number.NaN,
          chroot: 'a',
          pendingCallsMax: '1',
          inFlightMax: -1,
          pendingBytesMax: 1.5,
          signal: {},
          colour: 'red',
        } as never),
        'BAD_OPTIONS',
      )
      for (const name of [
        'codec',
        'timeout',
        'sessionTimeoutMs',
        'chroot',
        'pendingCallsMax',
        'inFlightMax',
        'pendingBytesMax',
        'signal',
        'colour',
      ])
        expect(error.message).to.include(name)
      for (const options of [null, 1, 'json', [1]]) await refused(peer.client(options as never), 'BAD_OPTIONS')
      for (const options of [
        null,
        { timeout: 'long' },
        { timeout: -1 },
        { timeout: Number.NaN },
        { signal: 'x' },
        { colour: 1 },
      ])
        await refused(peer.serving(options as never), 'BAD_ARGUMENTS')
      expect(peer.status.clients).to.equal(0)
    })

    it('of the transports are all named in one error', async () => {
      const wrong = (options: unknown) => options as never
      const cases: readonly (readonly [() => unknown, ...string[]])[] = [
        [() => tcp(wrong({ port: -1, host: 'a b', tls: {}, colour: 'red' })), 'port', 'host', 'tls.key', 'colour'],
        [() => tcp(wrong({ port: 2888, host: '0.0.0.0' })), 'advertise', 'loopback'],
        [() => tcp(wrong({ port: 2888, host: '10.0.0.1' })), 'insecure'],
        [() => ipc(wrong({ path: 'relative', colour: 'red' })), 'path', 'colour'],
        [() => ipc(wrong({ path: `/${'a'.repeat(200)}` })), 'path'],
        [() => memory(wrong({ network: {}, name: '', colour: 'red' })), 'network', 'name', 'colour'],
        [() => memory(wrong({ network: memoryNetwork(), name: 1 })), 'name'],
      ]
      for (const [make, ...names] of cases) {
        const { message } = await refused(make, 'BAD_OPTIONS')
        for (const name of names) expect(message).to.include(name)
      }
      for (const make of [tcp, ipc, memory])
        for (const options of [undefined, null, 'x', 1]) await refused(() => make(wrong(options)), 'BAD_OPTIONS')
    })
  })
})
