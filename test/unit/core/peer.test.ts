import { expect } from 'chai'
import type { Effect } from '../../../lib/core/effect.js'
import type { Input } from '../../../lib/core/input.js'
import { PeerCore } from '../../../lib/core/peer.js'
import { defaultProtocolOptions } from '../../../lib/core/protocol-options.js'
import { Replica } from '../../../lib/core/replica.js'
import { OPEN_ACL_UNSAFE, TRUSTED } from '../../../lib/model/acl.js'
import { EMPTY_DIGEST } from '../../../lib/model/digest.js'
import type { ClientId, LinkId, OperationNumber, PeerId } from '../../../lib/model/ids.js'
import type { ReplicaImage } from '../../../lib/model/replica-image.js'
import { ZERO, zxid } from '../../../lib/model/zxid.js'
import { access } from '../../helpers/access.js'

const [first, second] = [1 as PeerId, 2 as PeerId]
const now = { monotonic: 1000, wall: 1_700_000_000_000 }
const op = (number: number): OperationNumber => number as OperationNumber

const nothing: ReplicaImage = { zxid: ZERO, time: 0, digest: EMPTY_DIGEST, nodes: [], sessions: [] }

function peer(
  voters: readonly PeerId[],
  image = nothing,
): { step(input: Input, at?: number): Effect[]; core: PeerCore } {
  const members = voters.map(id => ({ id, address: `memory://${id}`, role: 'participant' as const }))
  const random = { uint32: () => 1, bytes: (length: number) => new Uint8Array(length) }
  const recovered = {
    epochs: { accepted: 0, current: 0 },
    image,
    suffix: [],
    history: { base: image.zxid, ranges: [] },
  }
  const core = new PeerCore(
    { peer: first, config: { version: ZERO, members }, options: defaultProtocolOptions, random, access, recovered },
    now,
  )
  const step = (input: Input, at = now.monotonic): Effect[] =>
    core.step(input, { ...now, monotonic: at }).filter(each => each.kind !== 'wakeAt' && each.kind !== 'report')
  return { step, core }
}

describe('peer', () => {
  it('alone, elects itself and serves when its epoch is durable', () => {
    const { step, core } = peer([first])
    expect(step({ kind: 'tick' }).filter(each => each.kind !== 'statusChanged')).to.deep.equal([
      { kind: 'saveEpochs', op: 1, epochs: { accepted: 1, current: 0 } },
    ])
    expect(step({ kind: 'epochsSaved', op: op(1) }).filter(each => each.kind === 'saveEpochs')).to.deep.equal([
      { kind: 'saveEpochs', op: 2, epochs: { accepted: 1, current: 1 } },
    ])
    expect(core.status.serving).to.equal(false)
    step({ kind: 'epochsSaved', op: op(2) })
    expect(core.status).to.deep.include({ role: 'leading', phase: 'broadcast', epoch: 1, serving: true })
  })

  it('says nothing and asks for nothing after it has stopped', () => {
    const { step } = peer([first])
    step({ kind: 'tick' })
    const effects = step({ kind: 'storageFailed', code: 'STORAGE_FAILED', reason: 'the disk is full' })
    expect(effects).to.deep.equal([{ kind: 'stop', error: { code: 'STORAGE_FAILED', message: 'the disk is full' } }])
    expect(step({ kind: 'epochsSaved', op: op(1) })).to.deep.equal([])
  })

  it('R3: a leader closes only when everything it has proposed is committed and its follower has it', () => {
    const { step, core } = peer([first, second])
    const link = 7 as LinkId
    const hear = (message: Extract<Input, { kind: 'message' }>['message']): Effect[] =>
      step({ kind: 'message', link, message })
    step({ kind: 'tick' })
    step({ kind: 'linked', peer: second, link })
    const nothing = { zxid: ZERO, epoch: 0, fresh: true, blank: true } as const
    hear({ kind: 'notification', role: 'looking', leader: first, round: 1, ...nothing })
    hear({ kind: 'learnerInfo', role: 'participant', acceptedEpoch: 0 })
    step({ kind: 'epochsSaved', op: op(1) })
    hear({ kind: 'ackEpoch', currentEpoch: 0, lastZxid: ZERO, counted: true })
    hear({ kind: 'pong', number: 2, touched: [] })
    step({ kind: 'epochsSaved', op: op(2) })
    hear({ kind: 'ackNewLeader', epoch: 1 })
    expect(core.status).to.deep.include({ role: 'leading', serving: true })

    const attachment = { timeoutMs: 9000, resume: undefined, lastZxidSeen: ZERO, identities: TRUSTED, embedded: true }
    const proposed = step({ kind: 'clientAttached', client: 1 as ClientId, attachment })
    expect(proposed.map(each => each.kind)).to.deep.equal(['append', 'send'])
    expect(step({ kind: 'close' })).to.deep.equal([])
    expect(step({ kind: 'logged', op: op(3), zxid: zxid(1, 1) })).to.deep.equal([])
    const last = hear({ kind: 'ack', zxid: zxid(1, 1) })
    expect(last.map(each => each.kind)).to.deep.equal(['send', 'attached', 'stop'])
    expect(last[0]).to.deep.equal({ kind: 'send', link, message: { kind: 'commit', zxid: zxid(1, 1) } })
    expect(last[2]).to.deep.equal({ kind: 'stop', error: undefined })
  })

  it('D9: does not start from a tree of which a znode below /zookeeper/ is missing, if its checkpoint counted those', () => {
    const replica = Replica.empty()
    const quota = '/zookeeper/quota/a'
    replica.tree.create(quota, { data: null, acl: OPEN_ACL_UNSAFE, owner: undefined }, 1, zxid(1, 1), 5)
    replica.applied(zxid(1, 1), 5)
    const image = replica.image()
    const without = [...image.nodes].filter(([path]) => path !== quota)
    expect(peer([first], image).core.replica.digest).to.deep.equal(image.digest)
    expect(() => peer([first], { ...image, nodes: without }))
      .to.throw()
      .with.property('code', 'DATA_CORRUPT')
    const { high, low } = image.digest
    const ofEarlier = { ...image, digest: { high, low } }
    expect(peer([first], ofEarlier).core.replica.digest).to.deep.equal(image.digest)
  })

  it('drops what comes over a link it has given up', () => {
    const { step } = peer([first, second])
    step({ kind: 'tick' })
    step({ kind: 'linked', peer: second, link: 7 as LinkId })
    step({ kind: 'linked', peer: second, link: 8 as LinkId })
    const message = { kind: 'notification', role: 'looking', leader: second, zxid: ZERO, epoch: 0, round: 5 } as const
    expect(step({ kind: 'message', link: 7 as LinkId, message })).to.deep.equal([])
    expect(step({ kind: 'message', link: 8 as LinkId, message })).to.not.deep.equal([])
  })
})
