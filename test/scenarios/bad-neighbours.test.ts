/** Who dials in and should not, what a raw socket may send, and an ensemble without a quorum: issue "What bad input gets". */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { type Client, op, Peer, type PeerOptions, text, type ZooKeeperError } from '../../lib/index.js'
import type { PeerId } from '../../lib/model/ids.js'
import { ZERO } from '../../lib/model/zxid.js'
import { encodeHello, encodeRefusal, membersHash } from '../../lib/transport/handshake.js'
import { memory, memoryNetwork } from '../../transports/memory/index.js'
import { tcp } from '../../transports/tcp/index.js'
import { contents, Heard, leavesNothing, refused, until } from './refusal.js'

const members = { 1: 'memory://1', 2: 'memory://2', 3: 'memory://3' }
const timing = { tickMs: 100, closeTimeoutMs: 1000 } as const

describe('bad neighbours', () => {
  leavesNothing()

  describe('that dial in', () => {
    let network: ReturnType<typeof memoryNetwork>
    let heard: Heard
    let peers: Peer[]
    let zk: Client<string>
    const open = async (id: number, options: Partial<PeerOptions> = {}, name = String(id)): Promise<Peer> => {
      const transport = memory({ network, name })
      const peer = await Peer.open({ id, dataDir: ':memory:', members, transport, ...timing, ...options })
      peers.push(peer)
      return peer
    }
    const trouble = (peer: Peer, other: number): string =>
      String(peer.status.members.find(({ id }) => id === other)?.trouble)

    beforeEach(async () => {
      network = memoryNetwork()
      heard = new Heard()
      peers = []
      const [one] = await Promise.all([open(1, { logger: heard }), open(2)])
      // The first start needs every voter.
      const three = await open(3)
      await three.serving({ timeout: 8000 })
      peers.pop()
      await three.close()
      await one.serving({ timeout: 8000 })
      heard.lines.length = 0
      zk = await one.client({ codec: text })
      await zk.create('/a', 'one')
    })
    afterEach(async () => {
      await Promise.all(peers.map(peer => peer.close()))
    })

    /** The stranger is refused, both sides say why, nobody counts it, and nothing changed. */
    const keptOut = async (code: string, stranger: Peer, as = 3): Promise<void> => {
      const [one] = peers as [Peer]
      const before = contents(one)
      await until(`${code} at the stranger`, () => trouble(stranger, 1).includes(code))
      await until(`${code} at peer 1`, () => heard.has('warn', code))
      if (one.status.members.some(({ id }) => id === as) && as !== 1) {
        expect(one.status.members.find(({ id }) => id === as)!.connected && stranger.status.serving).to.equal(false)
      }
      expect(stranger.status.serving).to.equal(false)
      expect(stranger.health().ok).to.equal(false)
      await refused(stranger.client({ timeout: 100 }), 'CONNECTION_LOSS')
      expect(stranger.view.exists('/a')).to.equal(false)
      expect(contents(one)).to.deep.equal(before)
      expect(one.health().ok).to.equal(true)
      await zk.set('/a', 'two')
    }

    it('from another ensemble: both sides say ENSEMBLE_MISMATCH', async () => {
      await keptOut('ENSEMBLE_MISMATCH', await open(3, { ensemble: 'yours' }))
      expect(trouble(peers[0]!, 3)).to.include('ENSEMBLE_MISMATCH').and.include('yours')
    })

    it('with another list of members: both sides say MEMBERS_MISMATCH', async () => {
      await keptOut('MEMBERS_MISMATCH', await open(3, { members: { ...members, 2: 'memory://elsewhere' } }))
      expect(trouble(peers[0]!, 3)).to.include('MEMBERS_MISMATCH')
    })

    it('with one more member than is known: both sides say MEMBERS_MISMATCH', async () => {
      await keptOut('MEMBERS_MISMATCH', await open(9, { members: { ...members, 9: 'memory://9' } }), 9)
    })

    it('with an id that is connected already: both sides say DUPLICATE_PEER, and the first one stays', async () => {
      const [one] = peers as [Peer]
      const first = await open(3)
      await first.serving({ timeout: 8000 })
      await until('the first 3 is linked', () => one.status.members.every(({ connected }) => connected))
      const second = await open(3, {}, 'second')
      await until('DUPLICATE_PEER at the second', () => trouble(second, 1).includes('DUPLICATE_PEER'))
      await until('DUPLICATE_PEER at peer 1', () => heard.has('warn', 'DUPLICATE_PEER'))
      expect(second.status.serving).to.equal(false)
      await refused(second.client({ timeout: 100 }), 'CONNECTION_LOSS')
      await zk.set('/a', 'two')
      await until('the first 3 follows', () => String(Buffer.from(first.view.get('/a')?.data ?? [])) === 'two')
      expect(first.health().ok).to.equal(true)
    })

    it('with the id of the very peer that they dial: DUPLICATE_PEER', async () => {
      // It believes that 1 lives where 1 does not: it dials itself, by the address that it gives to another.
      const second = await open(2, { members: { 1: 'memory://2', 2: 'memory://second', 3: 'memory://3' } }, 'second')
      await until('DUPLICATE_PEER at the second', () => trouble(second, 1).includes('DUPLICATE_PEER'))
      expect(second.status.serving).to.equal(false)
      await zk.set('/a', 'two')
    })
  })

  describe('on a raw socket', () => {
    const frame = (bytes: Uint8Array): Buffer => {
      const head = Buffer.alloc(4)
      head.writeInt32BE(bytes.length)
      return Buffer.concat([head, bytes])
    }
    let ports: number[]
    let heard: Heard
    let peers: Peer[]
    let zk: Client<string>
    let before: ReturnType<typeof contents>
    let hello: Buffer
    beforeEach(async () => {
      ports = await freePorts(3)
      heard = new Heard()
      const list = Object.fromEntries(ports.map((port, n) => [n + 1, `tcp://127.0.0.1:${port}`]))
      peers = await Promise.all(
        [1, 2, 3].map(id =>
          Peer.open({
            id,
            dataDir: ':memory:',
            members: list,
            transport: tcp({ port: ports[id - 1]! }),
            ...timing,
            ...(id === 1 ? { logger: heard } : {}),
          }),
        ),
      )
      // The first start needs every voter; the stranger then takes the third one's place.
      await Promise.all(peers.map(peer => peer.serving({ timeout: 8000 })))
      await peers.pop()!.close()
      await peers[0]!.serving({ timeout: 8000 })
      heard.lines.length = 0
      zk = await peers[0]!.client({ codec: text })
      await zk.create('/a', 'one')
      before = contents(peers[0]!)
      const known = Object.entries(list).map(([id, address]) => ({
        id: Number(id) as PeerId,
        address,
        role: 'participant' as const,
      }))
      hello = frame(
        encodeHello({
          protocolLowest: 1,
          protocolHighest: 1,
          ensemble: 'vivarium',
          peer: 3 as PeerId,
          incarnation: 'ab'.repeat(16),
          membersHash: membersHash({ version: ZERO, members: known }),
          role: 'participant',
        }),
      )
    })
    afterEach(async () => {
      await Promise.all(peers.map(peer => peer.close()))
    })

    const dial = async (): Promise<Socket> => {
      const socket = connect(ports[0]!, '127.0.0.1')
      socket.on('error', () => {})
      socket.resume()
      await once(socket, 'connect')
      return socket
    }
    const goesOn = async (): Promise<void> => {
      const [one] = peers as [Peer]
      expect(contents(one)).to.deep.equal(before)
      expect(one.health().ok).to.equal(true)
      expect(one.status.state).to.equal('running')
      await zk.set('/a', 'two')
      expect((await zk.get('/a')).value).to.equal('two')
      before = contents(one)
    }

    const noise = (length: number) => Buffer.from(Array.from({ length }, (_, n) => (n * 7919) % 251))
    const first: readonly (readonly [string, () => Uint8Array])[] = [
      ['a negative length', () => Buffer.from([0xff, 0xff, 0xff, 0xff])],
      ['a length beyond every limit', () => Buffer.from([0x7f, 0xff, 0xff, 0xff, 1, 2, 3])],
      ['a length beyond that of a first frame', () => Buffer.concat([Buffer.from([0, 0, 0x10, 1]), noise(5000)])],
      ['an empty frame', () => frame(new Uint8Array(0))],
      ['a frame of noise', () => frame(noise(60))],
      ['an HTTP request', () => Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')],
      ['a TLS greeting', () => Buffer.concat([Buffer.from([0x16, 3, 1, 2, 0]), noise(512)])],
      ['a ZooKeeper connect request', () => frame(Buffer.alloc(44))],
      ['half a hello, cut within', () => frame(hello.subarray(4, 20))],
      ['a hello with a byte too many', () => frame(Buffer.concat([hello.subarray(4), Buffer.of(0)]))],
      [
        'a hello of another layout',
        () => frame(Buffer.concat([hello.subarray(4, 9), Buffer.of(9), hello.subarray(10)])),
      ],
      ['a refusal of nothing', () => frame(encodeRefusal({ code: 'CLOSED', reason: 'none \u0007' }))],
    ]
    it('are cut off for whatever is no hello, and the peer goes on', async () => {
      for (const [what, bytes] of first) {
        const socket = await dial()
        const closed = once(socket, 'close')
        socket.write(bytes())
        await closed
        expect(heard.lines.length, what).to.be.above(0)
      }
      await goesOn()
    })

    it('are cut off for whatever is no message behind a sound hello, and the peer goes on', async () => {
      for (const [what, bytes] of [
        ['noise', frame(noise(100))],
        ['nothing', frame(new Uint8Array(0))],
        ['an unknown type', frame(Buffer.from([0x82, 0x18, 0xc8, 0x00]))],
        ['a type with too few items', frame(Buffer.from([0x81, 0x01]))],
        ['a map', frame(Buffer.from([0xa1, 0x01, 0x02]))],
        ['an array that never ends', frame(Buffer.from([0x9f, 0x01]))],
        ['a huge array head', frame(Buffer.from([0x9a, 0xff, 0xff, 0xff, 0xff]))],
        ['a huge string head', frame(Buffer.from([0x81, 0x5a, 0xff, 0xff, 0xff, 0xff]))],
        ['deep nesting', frame(Buffer.alloc(100_000, 0x81))],
        ['an oversized frame', Buffer.from([0, 0x40, 0, 1])],
        ['a negative length', Buffer.from([0x80, 0, 0, 0])],
        ['another hello', hello],
      ] as const) {
        const socket = await dial()
        const closed = once(socket, 'close')
        const already = heard.lines.length
        socket.write(Buffer.concat([hello, bytes]))
        await closed
        await until(`a word about ${what}`, () => heard.lines.slice(already).some(line => line.includes('no link')))
        expect(peers[0]!.status.members.find(({ id }) => id === 3)!.connected, what).to.equal(false)
      }
      await goesOn()
    })

    it('may hang up at any byte of a hello and a frame, and the peer goes on', async () => {
      const bytes = Buffer.concat([hello, frame(noise(20)).subarray(0, 10)])
      for (let cut = 0; cut < bytes.length; cut += 3) {
        const socket = await dial()
        const closed = once(socket, 'close')
        socket.write(bytes.subarray(0, cut))
        if (cut % 2 === 0) socket.end()
        else socket.destroy()
        await closed
      }
      await until('3 is not linked', () =>
        peers[0]!.status.members.every(({ id, connected }) => id !== 3 || !connected),
      )
      await goesOn()
    })
  })

  describe('that are missing: without a quorum', () => {
    let network: ReturnType<typeof memoryNetwork>
    let peers: Peer[]
    const open = async (id: number): Promise<Peer> => {
      const transport = memory({ network, name: String(id) })
      const peer = await Peer.open({ id, dataDir: ':memory:', members, transport, ...timing })
      peers.push(peer)
      return peer
    }
    /** It needs every voter; the third then leaves. */
    const firstStart = async (three: Peer, one: Peer): Promise<void> => {
      await three.serving({ timeout: 8000 })
      await three.close()
      await one.serving({ timeout: 8000 })
    }
    beforeEach(() => {
      network = memoryNetwork()
      peers = []
    })
    afterEach(async () => {
      await Promise.all(peers.map(peer => peer.close()))
    })

    it('opening a client ends at its timeout, at its signal, and when the peer closes', async () => {
      const one = await open(1)
      const controller = new AbortController()
      const aborted = refused(one.client({ signal: controller.signal }), 'ABORTED')
      await refused(one.client({ timeout: 50 }), 'CONNECTION_LOSS')
      controller.abort(new Error('enough'))
      expect(((await aborted).cause as Error).message).to.equal('enough')
      await refused(one.client({ signal: AbortSignal.abort() }), 'ABORTED')
      await refused(one.serving({ timeout: 20 }), 'OPERATION_TIMEOUT')
      await refused(one.serving({ signal: AbortSignal.abort() }), 'ABORTED')
      const pending = [one.client(), one.serving(), one.client({ timeout: 60_000 })].map(call =>
        refused(call, 'CLOSED'),
      )
      await Promise.all([one.close(), one.close()])
      await Promise.all(pending)
      await one.close()
      await refused(one.client(), 'CLOSED')
      await refused(one.serving(), 'CLOSED')
      expect(one.status.state).to.equal('closed')
    })

    it('every call ends at its timeout or signal and tells the outcome', async () => {
      const [one, two] = [await open(1), await open(2)]
      await firstStart(await open(3), one)
      const zk = await one.client({ codec: text, sessionTimeoutMs: 2000 })
      await zk.create('/a', 'one')
      const before = contents(one)
      await two.close()
      await until('peer 1 has noticed', () => !one.status.serving)
      const controller = new AbortController()
      const started = performance.now()
      const calls: [string, Promise<ZooKeeperError>][] = []
      for (const [options, code] of [
        [{ timeout: 100 }, 'CONNECTION_LOSS'],
        [{ signal: controller.signal }, 'ABORTED'],
        [{ signal: AbortSignal.abort() }, 'ABORTED'],
      ] as const) {
        for (const [what, call] of Object.entries({
          create: zk.create(`/c-${calls.length}`, 'x', options),
          set: zk.set('/a', 'x', options),
          upsert: zk.set('/a', 'x', { upsert: true, ...options }),
          update: zk.update('/a', () => 'x', options),
          delete: zk.delete('/a', options),
          multi: zk.multi([op.set('/a', 'x')], options),
          sync: zk.sync('/', options),
          get: zk.get('/a', options),
          children: zk.getChildren('/', options),
          walk: zk.walk('/', options).next(),
        }))
          calls.push([`${what} ${code}`, refused(call, code)])
      }
      setImmediate(() => controller.abort())
      for (const [at, [what, call]] of calls.entries()) {
        const { outcome } = await call
        // The last ones were over before they began.
        expect(outcome, what).to.be.oneOf(at < 20 ? ['not-applied', 'unknown'] : ['not-applied'])
      }
      expect(performance.now() - started).to.be.below(1000)
      expect(contents(one)).to.deep.equal(before)
      const waiting = refused(zk.set('/a', 'x'), ['CLOSED', 'SESSION_EXPIRED'])
      const closing = performance.now()
      await one.close()
      expect(performance.now() - closing).to.be.below(3000)
      await waiting
      await zk.close()
      await refused(zk.get('/a'), ['CLOSED', 'SESSION_EXPIRED'])
    })

    it('a client can be closed, which takes no longer than its session', async () => {
      const [one, two] = [await open(1), await open(2)]
      await firstStart(await open(3), one)
      const zk = await one.client({ codec: text, sessionTimeoutMs: 400, timeout: 300 })
      await two.close()
      await until('peer 1 has noticed', () => !one.status.serving)
      const started = performance.now()
      await Promise.all([zk.close(), zk.close()])
      expect(performance.now() - started).to.be.below(1500)
      await refused(zk.get('/'), ['CLOSED', 'SESSION_EXPIRED'])
    })
  })

  it('the longest request that a client may send goes through a follower into every log', async () => {
    const [directory, ports] = [await mkdtemp(join(tmpdir(), 'vivarium-bad-input-')), await freePorts(3)]
    const list = Object.fromEntries(ports.map((port, n) => [n + 1, `tcp://127.0.0.1:${port}`]))
    const dataBytesMax = 2 * 1024 * 1024
    const open = (id: number) =>
      Peer.open({
        id,
        dataDir: join(directory, String(id)),
        members: list,
        transport: tcp({ port: ports[id - 1]! }),
        ...timing,
        tickMs: 500,
        dataBytesMax,
      })
    const peers = await Promise.all([1, 2, 3].map(open))
    try {
      await Promise.all(peers.map(peer => peer.serving({ timeout: 8000 })))
      const follower = peers.find(({ status }) => status.role === 'following')!
      const zk = await follower.client()
      const all = await zk.create(`/${'a'.repeat(30_000)}`, new Uint8Array(dataBytesMax).fill(1))
      await zk.multi([op.set(all, new Uint8Array(dataBytesMax).fill(2)), op.check(all)])
      await zk.multi(Array.from({ length: 65_000 }, () => op.check('/')))
      const small = Array.from({ length: 28_000 }, (_, n) => op.create<Uint8Array>(`/${n.toString(36)}`))
      await zk.multi(small)
      await refused(zk.multi([...small, ...small]), 'DATA_TOO_LARGE')
      const failing = await refused(zk.multi([...small.slice(0, 20), op.check('/', { version: 5 })]), 'NODE_EXISTS')
      expect(failing.index).to.equal(0)
      await until('all have applied it', () => peers.every(peer => peer.view.zxid === follower.view.zxid))
      expect(new Set(peers.map(peer => peer.view.digest)).size).to.equal(1)
      expect(peers.map(peer => peer.health().ok)).to.deep.equal([true, true, true])
    } finally {
      await Promise.all(peers.map(peer => peer.close()))
      await rm(directory, { recursive: true, force: true })
    }
  })
})

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer())
  await Promise.all(servers.map(server => new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))))
  const ports = servers.map(server => (server.address() as AddressInfo).port)
  await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))))
  return ports
}
