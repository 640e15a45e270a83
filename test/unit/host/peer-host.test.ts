import { expect } from 'chai'
import type { ChannelReceiver } from '../../../lib/client/channel.js'
import type { Effect } from '../../../lib/core/effect.js'
import type { Input } from '../../../lib/core/input.js'
import { Replica } from '../../../lib/core/replica.js'
import { openHost } from '../../../lib/host/open-peer.js'
import { OpenedPeer } from '../../../lib/host/peer.js'
import type { PeerHost, SteppedCore } from '../../../lib/host/peer-host.js'
import { type PeerOptions, resolvePeerOptions } from '../../../lib/host/peer-options.js'
import { hasCode, ZooKeeperError } from '../../../lib/model/errors.js'
import type { LinkId, OperationNumber, PeerId, SessionId } from '../../../lib/model/ids.js'
import { InvariantViolation } from '../../../lib/model/invariant.js'
import type { Proposal } from '../../../lib/model/proposal.js'
import { ZERO, zxid } from '../../../lib/model/zxid.js'
import { MemoryStorage } from '../../../lib/storage/memory/memory-storage.js'
import type { Transport } from '../../../lib/transport/transport.js'
import { memory, memoryNetwork } from '../../../transports/memory/index.js'
import { ManualClock } from './manual-clock.js'
import { settle } from './settle.js'
import { until } from './until.js'

/** A core that does what the test says; it asserts for itself that it is never re-entered. */
class ScriptedCore implements SteppedCore {
  readonly counts = { clients: 0, watches: 0, outstanding: 0, localSessions: 0 }
  readonly leadership = undefined
  watched = () => []
  readonly marks = []
  readonly inputs: Input[] = []
  readonly replica = Replica.empty()
  serving = false
  react: (input: Input) => readonly Effect[] = () => []
  #stepping = false

  get status() {
    const base = { peer: 1 as PeerId, role: 'leading', phase: 'broadcast', leader: 1 as PeerId, epoch: 1 } as const
    const fit = { readOnly: false, diverged: false, repairing: false, damagedVoters: [], standsAside: false }
    const fresh = { freshVoters: [], firstStartWait: undefined }
    return { ...base, ...fit, ...fresh, serving: this.serving, logged: ZERO, committed: ZERO, applied: ZERO }
  }

  step(input: Input): readonly Effect[] {
    expect(this.#stepping, 're-entered').to.equal(false)
    this.#stepping = true
    this.inputs.push(input)
    try {
      return this.react(input)
    } finally {
      this.#stepping = false
    }
  }

  get kinds(): string[] {
    return this.inputs.map(({ kind }) => kind)
  }
}

const stop: Effect = { kind: 'stop', error: undefined }
const saveEpochs = (op: number): Effect => ({
  kind: 'saveEpochs',
  op: op as OperationNumber,
  epochs: { accepted: op, current: op },
})

describe('peer host', () => {
  let core: ScriptedCore
  let clock: ManualClock
  let storage: MemoryStorage
  let storageClosed: number
  let host: PeerHost | undefined
  beforeEach(() => {
    core = new ScriptedCore()
    clock = new ManualClock()
    storage = new MemoryStorage({ ensemble: 'vivarium', peer: 1 as PeerId })
    storageClosed = 0
    const close = storage.close.bind(storage)
    storage.close = () => {
      storageClosed++
      return close()
    }
    host = undefined
  })
  afterEach(async () => {
    if (host !== undefined && !host.lifecycle.ended) {
      core.react = input => (input.kind === 'close' ? [stop] : [])
      await host.close()
    }
    expect(clock.timers, 'timers left').to.equal(0)
  })

  const resolve = (more: Partial<PeerOptions> = {}) => resolvePeerOptions({ id: 1, storage, clock, ...more })
  const open = async (more: Partial<PeerOptions> = {}): Promise<PeerHost> => {
    host = await openHost(resolve(more), storage, () => core)
    return host
  }
  const attach = (told: string[], more: Partial<ChannelReceiver> = {}) =>
    host!.channels.channel().attach(
      { timeoutMs: 1000, resume: undefined, lastZxidSeen: ZERO },
      {
        attached() {},
        reply: cxid => told.push(`reply ${cxid}`),
        failed: cxid => told.push(`failed ${cxid}`),
        event() {},
        serving() {},
        detached: code => told.push(`detached ${code}`),
        ...more,
      },
    )

  it('begins with a tick, steps inputs in order and performs the effects of one before the next', async () => {
    const order: string[] = []
    core.react = input => {
      order.push(`step ${input.kind}`)
      return [{ kind: 'report', level: 'info', message: `effect of ${input.kind}` }]
    }
    const note = (message: string) => order.push(message)
    await open({ logger: { debug() {}, info: note, warn() {}, error() {} } })
    attach([]).send(1, { kind: 'ping' })
    host!.push({ kind: 'checkpointDue' })
    await settle()
    const kinds = ['tick', 'clientAttached', 'request', 'checkpointDue']
    expect(order).to.deep.equal(kinds.flatMap(kind => [`step ${kind}`, `effect of ${kind}`]))
  })

  it('never re-enters the core, whatever a logger, a subscriber or a client does', async () => {
    const again = () => host?.push({ kind: 'checkpointDue' })
    core.react = input =>
      input.kind === 'checkpointDue'
        ? []
        : [
            { kind: 'report', level: 'warn', message: 'x' },
            { kind: 'statusChanged', status: core.status },
          ]
    await open({ logger: { debug: again, info: again, warn: again, error: again } })
    const peer = new OpenedPeer(host!, resolve())
    const subscription = peer.status$.subscribe(again)
    const attachment = attach([], { reply: again })
    attachment.send(1, { kind: 'ping' })
    await settle()
    expect(core.kinds.filter(kind => kind === 'checkpointDue').length).to.be.above(2)
    subscription.unsubscribe()
  })

  it('wakes the core when it asked for it, and not before', async () => {
    core.react = input => (input.kind === 'tick' && core.inputs.length === 1 ? [{ kind: 'wakeAt', at: 500 }] : [])
    await open()
    await settle()
    clock.advance(499)
    await settle()
    expect(core.kinds).to.deep.equal(['tick'])
    clock.advance(1)
    await settle()
    expect(core.kinds).to.deep.equal(['tick', 'tick'])
  })

  it('lets the event loop breathe while turns follow one another without end', async () => {
    let op = 0
    core.react = input => (input.kind === 'tick' || input.kind === 'epochsSaved' ? [saveEpochs(++op)] : [])
    await open()
    const before = op
    await settle()
    await settle()
    expect(op - before).to.be.within(1, 1000)
    core.react = () => []
  })

  for (const error of [new InvariantViolation('the sky fell'), new TypeError('x is not a function')]) {
    it(`fails with INTERNAL when a step throws ${error.name}: clients are told, the store is closed, nothing follows`, async () => {
      await open()
      const peer = new OpenedPeer(host!, resolve())
      const told: string[] = []
      attach(told).send(1, { kind: 'ping' })
      await settle()
      core.react = () => {
        throw error
      }
      host!.push({ kind: 'checkpointDue' })
      host!.push({ kind: 'checkpointDue' })
      await until('let go', () => storageClosed === 1)
      await settle()
      const { state, error: failure } = peer.status
      expect(state).to.equal('failed')
      expect(failure).to.include({ code: 'INTERNAL', cause: error })
      expect(told).to.deep.equal(['detached CLOSED'])
      const steps = core.inputs.length
      host!.push({ kind: 'tick' })
      await settle()
      expect(core.inputs.length).to.equal(steps)
      expect(peer.health()).to.deep.equal({ ok: false, reasons: [`failed: ${failure!.message}`] })
      expect(hasCode(await peer.client().catch((reason: unknown) => reason), 'INTERNAL')).to.equal(true)
      expect(hasCode(await peer.serving().catch((reason: unknown) => reason), 'INTERNAL')).to.equal(true)
      await peer.close()
      expect(storageClosed).to.equal(1)
    })
  }

  it('D2: hands a failed write to the core, and stops as it says', async () => {
    storage.saveEpochs = async () => {
      throw new ZooKeeperError('STORAGE_LOW', 'full')
    }
    core.react = input => {
      if (input.kind === 'tick') return [saveEpochs(1), saveEpochs(2)]
      if (input.kind === 'storageFailed') return [{ kind: 'stop', error: { code: input.code, message: input.reason } }]
      return []
    }
    await open()
    await until('let go', () => storageClosed === 1)
    expect(core.kinds).to.deep.equal(['tick', 'storageFailed'])
    expect(host!.lifecycle.error?.code).to.equal('STORAGE_LOW')
  })

  it('closes when the core has stopped: gracefully, once, the same promise for all', async () => {
    await open()
    const told: string[] = []
    attach(told)
    await settle()
    let release = () => {}
    core.react = input => (input.kind === 'tick' ? [stop] : [])
    const closed = host!.close()
    release = () => host!.push({ kind: 'tick' })
    expect(host!.close()).to.equal(closed)
    await settle()
    expect(host!.lifecycle.state).to.equal('closing')
    expect(storageClosed).to.equal(0)
    release()
    await closed
    expect(host!.lifecycle.state).to.equal('closed')
    expect(told).to.deep.equal(['detached CLOSED'])
    expect(storageClosed).to.equal(1)
  })

  it('performs nothing that comes behind stop, and leaves no alarm', async () => {
    const noted: string[] = []
    await open({ logger: { debug() {}, info: message => noted.push(message), warn() {}, error() {} } })
    const report = (message: string): Effect => ({ kind: 'report', level: 'info', message })
    core.react = () => [{ kind: 'wakeAt', at: 10_000 }, report('before'), stop, report('behind')]
    await host!.close()
    expect(noted).to.deep.equal(['before'])
    expect(clock.timers).to.equal(0)
  })

  describe('with a link', () => {
    let other: PeerHost
    let otherCore: ScriptedCore
    let link: LinkId
    let otherLink: LinkId
    beforeEach(async () => {
      const network = memoryNetwork()
      const members = { 1: 'memory://1', 2: 'memory://2' }
      otherCore = new ScriptedCore()
      const otherStorage = new MemoryStorage({ ensemble: 'vivarium', peer: 2 as PeerId })
      const otherOptions = { id: 2, members, storage: otherStorage, transport: memory({ network, name: '2' }), clock }
      await open({ members, transport: memory({ network, name: '1' }) })
      other = await openHost(resolvePeerOptions(otherOptions), otherStorage, () => otherCore)
      await until('linked', () => {
        clock.advance(1)
        return core.kinds.includes('linked') && otherCore.kinds.includes('linked')
      })
      const linkOf = ({ inputs }: ScriptedCore) =>
        inputs.flatMap(input => (input.kind === 'linked' ? [input.link] : []))[0]!
      link = linkOf(core)
      otherLink = linkOf(otherCore)
    })
    afterEach(async () => {
      otherCore.react = input => (input.kind === 'close' ? [stop] : [])
      await other.close()
    })
    /** What the core would say by itself. */
    const say = (speaker: PeerHost, speakingCore: ScriptedCore, ...effects: Effect[]): void => {
      const { react } = speakingCore
      speakingCore.react = () => {
        speakingCore.react = react
        return effects
      }
      speaker.push({ kind: 'checkpointDue' })
    }

    it('aborts the snapshot that was coming over it when it closes', async () => {
      const begin = { kind: 'snapshotBegin', zxid: ZERO, time: 0, digest: { high: 0, low: 0 } } as const
      core.react = input =>
        input.kind === 'message'
          ? [{ kind: 'installSnapshot', op: 1 as OperationNumber, link, begin }, saveEpochs(2)]
          : []
      say(other, otherCore, { kind: 'send', link: otherLink, message: begin })
      await until('begun', () => core.kinds.includes('message'))
      await settle()
      expect(core.kinds).to.not.include('epochsSaved')
      say(other, otherCore, { kind: 'disconnect', link: otherLink, reason: 'a test' })
      await until('aborted, and the log goes on', () => core.kinds.includes('epochsSaved'))
      expect(core.inputs).to.deep.include({ kind: 'snapshotAborted', op: 1 })
    })

    it('says nothing of a stream to it that had not ended when it closed', async () => {
      const proposal: Proposal = {
        zxid: zxid(1, 1),
        previous: ZERO,
        session: '0000000000000001' as SessionId,
        cxid: 1,
        time: 0,
        txn: { kind: 'error', code: 'NO_NODE' },
      }
      say(host!, core, { kind: 'sendHistory', link, after: ZERO, upTo: zxid(1, 1), as: 'proposal' })
      await settle()
      say(host!, core, { kind: 'disconnect', link, reason: 'a test' })
      await until('unlinked', () => core.kinds.includes('unlinked'))
      say(host!, core, { kind: 'append', op: 1 as OperationNumber, proposals: [proposal] })
      await until('logged', () => core.kinds.includes('logged'))
      for (let turn = 0; turn < 5; turn++) await settle()
      expect(core.kinds).to.not.include('syncStreamEnded')
    })
  })

  it('R3: cuts a close short that takes too long', async () => {
    await open({ closeTimeoutMs: 700 })
    const closed = host!.close()
    await settle()
    clock.advance(699)
    await settle()
    expect(storageClosed).to.equal(0)
    clock.advance(1)
    await closed
    expect(storageClosed).to.equal(1)
  })

  it('lets go of everything when it cannot listen', async () => {
    let transportClosed = 0
    const transport: Transport = {
      address: 'memory://1',
      understands: () => true,
      listen: async () => {
        throw new ZooKeeperError('PORT_IN_USE', 'taken')
      },
      dial: () => new Promise(() => {}),
      close: async () => {
        transportClosed++
      },
    }
    const error = await open({ transport }).catch((reason: unknown) => reason)
    expect(hasCode(error, 'PORT_IN_USE')).to.equal(true)
    expect(storageClosed).to.equal(1)
    expect(transportClosed).to.be.above(0)
  })

  it('lets go of everything when the store cannot be opened or belongs to another', async () => {
    const error = await open({ ensemble: 'other' }).catch((reason: unknown) => reason)
    expect(hasCode(error, 'ENSEMBLE_MISMATCH')).to.equal(true)
    expect(storageClosed).to.equal(1)
  })

  it('serving() waits, and ends by its timeout or its signal', async () => {
    await open()
    const peer = new OpenedPeer(host!, resolve())
    const codeOf = (promise: Promise<void>) =>
      promise.then(
        () => 'serving',
        (error: { code: string }) => error.code,
      )
    const abort = new AbortController()
    const [bySignal, byTime, byEvent] = [
      codeOf(peer.serving({ signal: abort.signal })),
      codeOf(peer.serving({ timeout: 100 })),
      codeOf(peer.serving({ timeout: 1000 })),
    ]
    abort.abort()
    expect(await bySignal).to.equal('ABORTED')
    clock.advance(100)
    expect(await byTime).to.equal('OPERATION_TIMEOUT')
    core.serving = true
    core.react = input => (input.kind === 'checkpointDue' ? [{ kind: 'statusChanged', status: core.status }] : [])
    host!.push({ kind: 'checkpointDue' })
    expect(await byEvent).to.equal('serving')
    expect(await codeOf(peer.serving({ signal: abort.signal }))).to.equal('ABORTED')
  })
})
