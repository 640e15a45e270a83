import { expect } from 'chai'
import { decodeMessage } from '../../../lib/codec/message-codec.js'
import type { PeerMessage } from '../../../lib/core/zab/messages.js'
import { Links, type LinksPorts } from '../../../lib/host/links.js'
import { silentLogger } from '../../../lib/host/logger.js'
import { resolvePeerOptions } from '../../../lib/host/peer-options.js'
import type { LinkId, PeerId } from '../../../lib/model/ids.js'
import { ZERO } from '../../../lib/model/zxid.js'
import { encodeHello, membersHash } from '../../../lib/transport/handshake.js'
import type { Connection, Transport } from '../../../lib/transport/transport.js'
import { type MemoryNetwork, memory, memoryNetwork } from '../../../transports/memory/index.js'
import { ManualClock } from './manual-clock.js'
import { settle } from './settle.js'
import { until } from './until.js'

const members = { 1: 'memory://1', 2: 'memory://2', 3: 'memory://3' }
const incarnationOf = (n: number) => n.toString(16).padStart(32, '0')
const ping = (number: number): PeerMessage => ({ kind: 'ping', number, heard: 0 })

/** Links of one peer, with everything they tell. */
interface Side {
  readonly links: Links
  readonly told: string[]
  readonly warnings: string[]
  readonly messages: PeerMessage[]
  readonly chunks: number[]
  readonly dialled: string[]
  readonly failed: string[]
  linkTo(peer: number): LinkId
}

describe('links', () => {
  let network: MemoryNetwork
  let clock: ManualClock
  let sides: Side[]
  beforeEach(() => {
    network = memoryNetwork()
    clock = new ManualClock()
    sides = []
  })
  afterEach(async () => {
    await Promise.all(sides.map(side => side.links.close()))
    expect(clock.timers, 'timers left').to.equal(0)
  })

  function side(
    id: number,
    more: { incarnation?: number; name?: string; ensemble?: string; members?: object } = {},
  ): Side {
    const transport = memory({ network, name: more.name ?? String(id) })
    const dialled: string[] = []
    const failed: string[] = []
    const counted: Transport = {
      address: transport.address,
      understands: address => transport.understands(address),
      listen: accept => transport.listen(accept),
      dial: (address, options) => {
        dialled.push(address)
        const dial = transport.dial(address, options)
        dial.catch(() => failed.push(address))
        return dial
      },
      close: () => transport.close(),
    }
    const told: string[] = []
    const warnings: string[] = []
    const messages: PeerMessage[] = []
    const chunks: number[] = []
    const open = new Map<number, LinkId>()
    const ports: LinksPorts = {
      options: resolvePeerOptions({
        id,
        dataDir: ':memory:',
        transport: counted,
        members: (more.members as typeof members) ?? members,
        ensemble: more.ensemble ?? 'test',
        linkQueueBytesMax: 2 * 1024 * 1024,
        clock,
      }),
      incarnation: incarnationOf(more.incarnation ?? id),
      logger: { ...silentLogger, warn: (message, { why } = {}) => warnings.push(`${message} ${why}`) },
      linked: (peer, link) => {
        told.push(`linked ${peer}`)
        open.set(peer, link)
      },
      unlinked: peer => told.push(`unlinked ${peer}`),
      message: (_, message) => messages.push(message),
      snapshots: {
        begin: () => chunks.push(-1),
        chunk: (_, bytes) => chunks.push(bytes[0]!) > 0,
        end: () => chunks.push(-2) > 0,
      },
      changed: () => {},
    }
    const made: Side = {
      links: new Links(ports),
      told,
      warnings,
      messages,
      chunks,
      dialled,
      failed,
      linkTo: peer => open.get(peer)!,
    }
    sides.push(made)
    return made
  }

  async function started(...made: Side[]): Promise<void> {
    for (const { links } of made) await links.start()
    clock.advance(0)
  }

  it('E9: are dialled by the larger id of each pair, and by nobody else', async () => {
    const [one, two, three] = [side(1), side(2), side(3)]
    await started(one, two, three)
    await until('all linked', () => [one, two, three].every(({ told }) => told.length === 2))
    expect(one.dialled).to.deep.equal([])
    expect(two.dialled).to.deep.equal(['memory://1'])
    expect(three.dialled).to.deep.equal(['memory://1', 'memory://2'])
  })

  it('carry messages in order both ways, and snapshot chunks past the core', async () => {
    const [one, two] = [side(1), side(2)]
    await started(one, two)
    await until('linked', () => one.told.length === 1 && two.told.length === 1)
    for (let n = 0; n < 50; n++) one.links.send(one.linkTo(2), ping(n))
    two.links.send(two.linkTo(1), { kind: 'snapshotBegin', zxid: ZERO, time: 0, digest: { high: 0, low: 0 } })
    two.links.send(two.linkTo(1), { kind: 'snapshotChunk', bytes: Uint8Array.of(7) })
    two.links.send(two.linkTo(1), { kind: 'snapshotEnd' })
    two.links.send(two.linkTo(1), ping(1))
    await until('received', () => two.messages.length === 50 && one.messages.length === 2)
    expect(two.messages).to.deep.equal(Array.from({ length: 50 }, (_, n) => ping(n)))
    expect(one.messages.map(message => message.kind)).to.deep.equal(['snapshotBegin', 'ping'])
    expect(one.chunks).to.deep.equal([-1, 7, -2])
  })

  it('Z31: tell a peer of an earlier release nothing of a digest that it does not know', async () => {
    const one = side(1)
    await started(one)
    const older = await stranger(2, 7, 'memory://1', 2)
    const newer = await stranger(3, 8, 'memory://1', 3)
    await until('linked', () => one.told.length === 2)
    const mark = { zxid: ZERO, digest: { high: 0, low: 1, system: { high: 0, low: 2 } } }
    for (const id of [2, 3]) one.links.send(one.linkTo(id), { kind: 'pong', number: 1, touched: [], mark })
    // The hello comes first.
    await until('received', () => older.frames.length === 2 && newer.frames.length === 2)
    expect(decodeMessage(older.frames[1]!)).to.deep.include({ mark: { zxid: ZERO, digest: { high: 0, low: 1 } } })
    expect(decodeMessage(newer.frames[1]!)).to.deep.include({ mark })
  })

  it('are dialled again at once, then after growing pauses, until the other side is there', async () => {
    const two = side(2)
    await started(two)
    const pauses: number[] = []
    for (let attempt = 1; attempt <= 8; attempt++) {
      await until(`attempt ${attempt} has failed`, () => two.failed.length === attempt)
      await settle()
      const before = clock.now()
      while (two.dialled.length === attempt && clock.now() < before + 10_000) clock.advance(1)
      pauses.push(clock.now() - before)
    }
    for (const [index, pause] of pauses.entries()) {
      const full = Math.min(1000, 50 * 2 ** index)
      expect(pause).to.be.within(full / 2, full + 1)
    }
    const one = side(1)
    await one.links.start()
    await until('linked', () => {
      clock.advance(100)
      return one.told.includes('linked 2') && two.told.includes('linked 1')
    })
  })

  it('tell unlinked on both sides when one disconnects, with nothing behind it, and link again', async () => {
    const [one, two] = [side(1), side(2)]
    await started(one, two)
    await until('linked', () => one.told.length === 1 && two.told.length === 1)
    const former = one.linkTo(2)
    two.links.send(two.linkTo(1), ping(1))
    const drained = one.links.drained(former)
    one.links.disconnect(former, 'the role has ended')
    await drained
    expect(one.told).to.deep.equal(['linked 2', 'unlinked 2'])
    await until('linked again', () => {
      clock.advance(1)
      return one.told.length === 3 && two.told.length === 3
    })
    expect(one.messages).to.deep.equal([])
    expect(one.linkTo(2)).to.not.equal(former)
    one.links.send(former, ping(2))
    for (let turn = 0; turn < 5; turn++) await settle()
    expect(two.messages).to.deep.equal([])
    expect(one.told).to.deep.equal(['linked 2', 'unlinked 2', 'linked 2'])
    expect(two.told).to.deep.equal(['linked 1', 'unlinked 1', 'linked 1'])
  })

  it('E9: replace the old link when the same incarnation comes again', async () => {
    const one = side(1)
    await one.links.start()
    const [first, second] = [await stranger(2, 2), await stranger(2, 2)]
    await until('replaced', () => one.told.length === 3)
    expect(one.told).to.deep.equal(['linked 2', 'unlinked 2', 'linked 2'])
    await until('the old one is closed', () => first.closed)
    expect(second.closed).to.equal(false)
  })

  it('refuse another incarnation while the old link lives, and take it afterwards', async () => {
    const one = side(1)
    await one.links.start()
    const first = await stranger(2, 2)
    await until('linked', () => one.told.length === 1)
    const other = await stranger(2, 99)
    await until('refused', () => other.closed)
    expect(one.told).to.deep.equal(['linked 2'])
    expect(one.links.state.find(({ peer }) => peer === 2)?.connected).to.equal(true)
    expect(one.warnings.join()).to.match(/DUPLICATE_PEER/)
    first.connection.close()
    await until('unlinked', () => one.told.length === 2)
    await stranger(2, 99)
    await until('linked', () => one.told.length === 3)
  })

  it('refuse a peer that ought to be dialled, and one that has this very id', async () => {
    const two = side(2)
    await started(two)
    await until('the dial has failed', () => two.failed.length === 1)
    const smaller = await stranger(1, 1, 'memory://2')
    const same = await stranger(2, 5, 'memory://2')
    await until('both refused', () => smaller.closed && same.closed)
    expect(two.told).to.deep.equal([])
    expect(two.warnings.join('\n'))
      .to.match(/peer 2 dials peer 1/)
      .and.match(/DUPLICATE_PEER/)
  })

  for (const [what, other, code] of [
    ['another ensemble', { ensemble: 'other' }, 'ENSEMBLE_MISMATCH'],
    ['another list of members', { members: { 1: 'memory://1', 2: 'memory://2' } }, 'MEMBERS_MISMATCH'],
  ] as const) {
    it(`refuse ${what}, and both sides say why`, async () => {
      const [one, two] = [side(1), side(2, other)]
      await started(one, two)
      await until('both have said why', () => one.warnings.length > 0 && two.warnings.length > 0)
      expect(one.warnings[0]).to.contain(code)
      expect(two.warnings[0]).to.contain(code)
      expect(two.links.state[0]).to.include({ peer: 1, connected: false })
      expect(two.links.state[0]?.trouble).to.contain(code)
      expect(one.told).to.deep.equal([])
      expect(two.told).to.deep.equal([])
      await until('tried again', () => {
        clock.advance(10)
        return two.dialled.length > 4
      })
      expect(one.warnings, 'told once').to.have.length(1)
      expect(two.warnings, 'told once').to.have.length(1)
    })
  }

  it('give a stranger that says nothing five seconds', async () => {
    const one = side(1)
    await one.links.start()
    let closed = false
    const silent = memory({ network, name: 'silent' })
    const connection = await silent.dial('memory://1', { signal: new AbortController().signal })
    connection.start({ frame() {}, drained() {}, closed: () => (closed = true) })
    await until('accepted', () => clock.timers === 1)
    clock.advance(4999)
    await settle()
    expect(closed).to.equal(false)
    clock.advance(1)
    await until('closed', () => closed)
    await silent.close()
  })

  it('end when the other side says what is no message', async () => {
    const one = side(1)
    await one.links.start()
    const other = await stranger(2, 2)
    await until('linked', () => one.told.length === 1)
    other.connection.send([Uint8Array.of(1, 2, 3)])
    await until('unlinked', () => one.told.length === 2)
    expect(one.messages).to.deep.equal([])
  })

  it('R2, L4: end when the other side does not read and the queue passes its limit', async () => {
    const one = side(1)
    await one.links.start()
    const other = await stranger(2, 2)
    await until('linked', () => one.told.length === 1)
    other.connection.pause()
    const chunk: PeerMessage = { kind: 'snapshotChunk', bytes: new Uint8Array(256 * 1024) }
    let waits = 0
    let sentMib = 0
    await until('unlinked', () => {
      if (!one.links.stream(one.linkTo(2), chunk)) waits++
      sentMib += 0.25
      return one.told.includes('unlinked 2')
    })
    expect(waits).to.be.above(0)
    expect(sentMib).to.be.within(2, 2.5)
    expect(one.links.state[0]?.trouble).to.equal('its send queue is full')
    await one.links.drained(one.linkTo(2))
  })

  /** Someone who dials peer 1 (or whom you say) and says hello as `id`; it hears what comes, and whether it is closed. */
  async function stranger(id: number, incarnation: number, address = 'memory://1', protocol = 1) {
    const transport = memory({ network, name: `stranger ${id} ${Math.random()}` })
    const connection: Connection = await transport.dial(address, { signal: new AbortController().signal })
    const { config } = resolvePeerOptions({ id: 1, dataDir: ':memory:', members, transport })
    const frames: Uint8Array[] = []
    const state = { connection, frames, closed: false }
    connection.start({
      frame: bytes => frames.push(Uint8Array.from(bytes)),
      drained() {},
      closed: () => (state.closed = true),
    })
    connection.send([
      encodeHello({
        protocolLowest: 1,
        protocolHighest: protocol,
        ensemble: 'test',
        peer: id as PeerId,
        incarnation: incarnationOf(incarnation),
        membersHash: membersHash(config),
        role: 'participant',
      }),
    ])
    return state
  }
})
