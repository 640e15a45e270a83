import { expect } from 'chai'
import type { Leader } from '../../../../lib/core/zab/leader.js'
import type { PeerMessage } from '../../../../lib/core/zab/messages.js'
import type { SessionId } from '../../../../lib/model/ids.js'
import { MAX_COUNTER, ZERO, zxid } from '../../../../lib/model/zxid.js'
import { link, logOf, op, peer, proposal, ZabWorld } from './zab-world.js'

const session = '0000000000000001' as SessionId
const info = (acceptedEpoch: number): Extract<PeerMessage, { kind: 'learnerInfo' }> => ({
  kind: 'learnerInfo',
  role: 'participant',
  acceptedEpoch,
})

/** Peer 1 leads epoch 1 with peer 2, both with empty logs. */
function establish(world: ZabWorld): Leader {
  const leader = world.leader()
  leader.start()
  leader.join(peer(2), link(12), info(0), 0)
  leader.onEpochsSaved(op(1))
  world.promises(leader, 2, { kind: 'ackEpoch', currentEpoch: 0, lastZxid: world.history.last, counted: true })
  leader.onEpochsSaved(op(2))
  leader.onMessage(peer(2), { kind: 'ackNewLeader', epoch: leader.epoch }, 0)
  world.effects()
  return leader
}

describe('leader', () => {
  it('Z4: proposes an epoch only when a quorum has told its accepted ones, and its own promise is durable', () => {
    const world = new ZabWorld([], { accepted: 4, current: 4 })
    const leader = world.leader()
    leader.start()
    expect(world.effects()).to.deep.equal([])
    leader.join(peer(2), link(12), info(6), 0)
    expect(world.effects()).to.deep.equal([{ kind: 'saveEpochs', op: 1, epochs: { accepted: 7, current: 4 } }])
    leader.onEpochsSaved(op(1))
    expect(world.effects()).to.deep.equal([{ kind: 'send', link: 12, message: { kind: 'leaderInfo', epoch: 7 } }])
  })

  describe('with a learner whose disk is fresh', () => {
    const fresh = { kind: 'ackEpoch', currentEpoch: 0, lastZxid: ZERO, counted: true } as const
    const whole = { kind: 'ackEpoch', currentEpoch: 1, lastZxid: zxid(1, 2), counted: true } as const
    function discover(world: ZabWorld): Leader {
      const leader = world.leader([1, 2, 3], false)
      leader.start()
      leader.join(peer(2), link(12), info(0), 0)
      leader.onEpochsSaved(op(1))
      world.promises(leader, 2, fresh)
      return leader
    }

    it('Z29: counts neither its promise nor its answers, and hands it nothing before it is established', () => {
      const world = new ZabWorld(logOf(1, 2), { accepted: 1, current: 1 })
      const leader = discover(world)
      expect(leader.phase).to.equal('discovery')
      leader.join(peer(3), link(13), info(1), 0)
      world.effects()
      world.promises(leader, 3, whole, 2)
      expect(leader.phase).to.equal('synchronization')
      leader.tick(0)
      expect(world.sent().map(([to]) => to)).to.deep.equal([13, 13])
    })

    it('Z29: takes it in once the others have said, after it came, that they still follow', () => {
      const world = new ZabWorld(logOf(1, 2), { accepted: 1, current: 1 })
      const leader = discover(world)
      leader.join(peer(3), link(13), info(1), 0)
      world.promises(leader, 3, whole, 1)
      leader.onEpochsSaved(op(2))
      leader.onMessage(peer(3), { kind: 'ackNewLeader', epoch: 2 }, 0)
      expect(leader.established).to.equal(true)
      world.effects()
      leader.tick(0)
      leader.onMessage(peer(2), { kind: 'pong', number: 2, touched: [] }, 0)
      leader.tick(0)
      expect(world.sent(), 'its own answer is no proof').to.deep.equal([])
      leader.onMessage(peer(3), { kind: 'pong', number: 2, touched: [] }, 0)
      leader.tick(0)
      expect(world.sent().map(([to, { kind }]) => [to, kind])).to.deep.equal([
        [12, 'diff'],
        [12, 'proposal'],
        [12, 'proposal'],
        [12, 'newLeader'],
      ])
    })
  })

  it('L1: takes its time to send its history to those it needs, and has initLimit once more behind that (ZOOKEEPER-2678)', () => {
    const world = new ZabWorld(logOf(1, 4), { accepted: 1, current: 1 })
    world.history.trim(zxid(1, 3))
    const leader = world.leader()
    leader.start()
    leader.join(peer(2), link(12), info(1), 0)
    leader.onEpochsSaved(op(1))
    world.promises(leader, 2, { kind: 'ackEpoch', currentEpoch: 1, lastZxid: zxid(1, 1), counted: true })
    leader.onEpochsSaved(op(2))
    expect(world.effects().map(each => each.kind)).to.include('sendSnapshot')
    const until = (end: number): void => {
      for (; now < end; now += 1000) {
        leader.onMessage(peer(2), { kind: 'pong', number: 0, touched: [] }, now)
        leader.tick(now)
      }
    }
    let now = 0
    until(60_000)
    expect(world.told).to.deep.equal([])
    leader.onSyncStreamEnded(link(12), zxid(1, 4))
    until(79_000)
    expect(world.told).to.deep.equal([])
    until(81_000)
    expect(world.told).to.deep.equal(['roleEnded: no quorum was synchronised within initLimit'])
  })

  it('Z29: a promise is gone with its link, and all must hold at one moment', () => {
    const world = new ZabWorld(logOf(1, 2), { accepted: 1, current: 1 })
    const leader = world.leader([1, 2, 3, 4, 5], false)
    const promise = { kind: 'ackEpoch', currentEpoch: 1, lastZxid: zxid(1, 2), counted: true } as const
    leader.start()
    for (const id of [2, 3, 4]) leader.join(peer(id), link(10 + id), info(1), 0)
    leader.onEpochsSaved(op(1))
    world.promises(leader, 2, promise)
    leader.onUnlinked(peer(2))
    leader.onMessage(peer(3), promise, 0)
    expect(leader.phase).to.equal('discovery')
    leader.onMessage(peer(4), promise, 0)
    leader.onMessage(peer(3), { kind: 'pong', number: 1, touched: [] }, 0)
    leader.onUnlinked(peer(4))
    expect(leader.phase).to.equal('discovery')
    leader.join(peer(2), link(22), info(1), 0)
    leader.onMessage(peer(2), promise, 0)
    leader.onMessage(peer(2), { kind: 'pong', number: 1, touched: [] }, 0)
    expect(leader.phase, 'the ping was sent before that promise').to.equal('discovery')
    for (const id of [2, 3]) leader.onMessage(peer(id), { kind: 'pong', number: 2, touched: [] }, 0)
    expect(leader.phase).to.equal('synchronization')
  })

  for (const [what, ackEpoch, reason] of [
    ['knows more', { currentEpoch: 1, lastZxid: zxid(1, 3), counted: true }, 'peer 3 knows more: epoch 1, 0x100000003'],
    [
      'has promised the same epoch, maybe to another',
      { currentEpoch: 1, lastZxid: zxid(1, 2), counted: false },
      'peer 3 has promised epoch 2 before',
    ],
  ] as const)
    it(`Z29: steps down for one that ${what}, also after a quorum has promised`, () => {
      const world = new ZabWorld(logOf(1, 2), { accepted: 1, current: 1 })
      const leader = world.leader([1, 2, 3], false)
      leader.start()
      leader.join(peer(2), link(12), info(1), 0)
      leader.onEpochsSaved(op(1))
      world.promises(leader, 2, { kind: 'ackEpoch', currentEpoch: 1, lastZxid: zxid(1, 2), counted: true })
      expect(leader.phase).to.equal('synchronization')
      leader.join(peer(3), link(13), info(1), 0)
      leader.onMessage(peer(3), { kind: 'ackEpoch', ...ackEpoch }, 0)
      expect(world.told).to.deep.equal([`roleEnded: ${reason}`])
    })

  it('L6: goes on at the first start when somebody comes who has heard of others that it has taken in already, and counts it for nothing', () => {
    const world = new ZabWorld([], { accepted: 0, current: 0 })
    const leader = world.leader([1, 2, 3, 4, 5], true)
    const blank = { kind: 'ackEpoch', currentEpoch: 0, lastZxid: ZERO } as const
    leader.start()
    for (const id of [2, 3, 4]) leader.join(peer(id), link(10 + id), info(0), 0)
    leader.onEpochsSaved(op(1))
    world.promises(leader, 2, { ...blank, counted: true })
    world.promises(leader, 3, { ...blank, counted: true }, 2)
    leader.onMessage(peer(2), { kind: 'pong', number: 2, touched: [] }, 0)
    expect(leader.phase).to.equal('synchronization')
    leader.onMessage(peer(4), { ...blank, counted: false }, 0)
    expect(world.told).to.deep.equal([])
    expect(leader.learners.get(peer(4))).to.include({ fresh: true, stage: 'accepted' })
  })

  it('Z2: is established only when a quorum holds its history, itself included', () => {
    const world = new ZabWorld(logOf(1, 2), { accepted: 1, current: 1 })
    const leader = world.leader()
    leader.start()
    leader.join(peer(2), link(12), info(1), 0)
    leader.onEpochsSaved(op(1))
    world.effects()
    world.promises(leader, 2, { kind: 'ackEpoch', currentEpoch: 1, lastZxid: zxid(1, 1), counted: true })
    const [first] = logOf(1, 2).slice(1)
    expect(world.effects()).to.deep.equal([
      { kind: 'saveEpochs', op: 2, epochs: { accepted: 2, current: 2 } },
      { kind: 'send', link: 12, message: { kind: 'diff', after: zxid(1, 1) } },
      { kind: 'send', link: 12, message: { kind: 'proposal', proposal: first } },
      { kind: 'send', link: 12, message: { kind: 'newLeader', epoch: 2, zxid: zxid(1, 2) } },
    ])
    leader.onMessage(peer(2), { kind: 'ackNewLeader', epoch: 2 }, 0)
    expect(leader.established).to.equal(false)
    leader.onEpochsSaved(op(2))
    expect(leader.established).to.equal(true)
    expect(world.history.committed).to.deep.equal(zxid(1, 2))
    expect(world.sent()).to.deep.equal([[12, { kind: 'upToDate', committed: zxid(1, 2) }]])
  })

  it('gives up when a voter of its quorum knows more', () => {
    const world = new ZabWorld(logOf(1, 2), { accepted: 1, current: 1 })
    const leader = world.leader()
    leader.start()
    leader.join(peer(2), link(12), info(1), 0)
    leader.onEpochsSaved(op(1))
    leader.onMessage(peer(2), { kind: 'ackEpoch', currentEpoch: 1, lastZxid: zxid(1, 3), counted: true }, 0)
    expect(world.told).to.deep.equal(['roleEnded: peer 2 knows more: epoch 1, 0x100000003'])
  })

  it('Z4: a promise that was made before, to whomever, counts in no quorum', () => {
    const world = new ZabWorld()
    const leader = world.leader()
    leader.start()
    leader.join(peer(2), link(12), info(0), 0)
    leader.onEpochsSaved(op(1))
    world.effects()
    leader.onMessage(peer(2), { kind: 'ackEpoch', currentEpoch: 0, lastZxid: ZERO, counted: false }, 0)
    expect(world.effects()).to.deep.equal([])
    expect(leader.phase).to.equal('discovery')
  })

  it('Z15: commits a proposal when a quorum has logged it, its own disk or not', () => {
    const world = new ZabWorld()
    const leader = establish(world)
    leader.propose(zxid(1, 1), session, 1, 0, { kind: 'error', code: 'NO_NODE' })
    const one = proposal(zxid(1, 1), ZERO)
    expect(world.effects()).to.deep.equal([
      { kind: 'append', op: 3, proposals: [one] },
      { kind: 'send', link: 12, message: { kind: 'proposal', proposal: one } },
    ])
    leader.onMessage(peer(2), { kind: 'ack', zxid: zxid(1, 1) }, 0)
    expect(world.effects()).to.deep.equal([])
    world.history.logged(zxid(1, 1))
    leader.onLogged()
    expect(world.sent()).to.deep.equal([[12, { kind: 'commit', zxid: zxid(1, 1) }]])
  })

  it('Z23: a learner that acknowledges what it was not sent is dropped, and nothing is committed', () => {
    const world = new ZabWorld()
    const leader = establish(world)
    leader.onMessage(peer(2), { kind: 'ack', zxid: zxid(1, 1) }, 0)
    expect(world.effects().map(each => each.kind)).to.deep.equal(['disconnect'])
    expect(world.history.committed).to.deep.equal(ZERO)
  })

  it('Z5: counts from 1 in its epoch, and has no zxid after the last counter', () => {
    const world = new ZabWorld()
    const leader = establish(world)
    expect(leader.nextZxid()).to.deep.equal(zxid(1, 1))
    world.history.append(proposal(zxid(1, MAX_COUNTER - 1), ZERO))
    expect(leader.nextZxid()).to.deep.equal(zxid(1, MAX_COUNTER))
    world.history.append(proposal(zxid(1, MAX_COUNTER), zxid(1, MAX_COUNTER - 1)))
    expect(leader.nextZxid()).to.equal(undefined)
  })

  it('C1: lets an observer serve only when all that was proposed before it came is decided', () => {
    const world = new ZabWorld()
    const leader = establish(world)
    leader.propose(zxid(1, 1), session, 1, 0, { kind: 'error', code: 'NO_NODE' })
    leader.join(peer(4), link(14), { ...info(1), role: 'observer' }, 0)
    leader.onMessage(peer(4), { kind: 'ackEpoch', currentEpoch: 1, lastZxid: ZERO, counted: false }, 0)
    leader.onMessage(peer(4), { kind: 'ackNewLeader', epoch: 1 }, 0)
    expect(world.sent().filter(([to]) => to === 14)).to.deep.equal([
      [14, { kind: 'leaderInfo', epoch: 1 }],
      [14, { kind: 'diff', after: ZERO }],
      [14, { kind: 'newLeader', epoch: 1, zxid: ZERO }],
    ])
    world.history.logged(zxid(1, 1))
    leader.onLogged()
    leader.onMessage(peer(2), { kind: 'ack', zxid: zxid(1, 1) }, 0)
    expect(world.sent().filter(([to]) => to === 14)).to.deep.equal([
      [14, { kind: 'inform', proposal: proposal(zxid(1, 1), ZERO) }],
      [14, { kind: 'upToDate', committed: zxid(1, 1) }],
    ])
  })

  it('C14, Z24: an answer that has waited unread proves nothing of the time since its ping', () => {
    const world = new ZabWorld()
    const leader = establish(world)
    leader.tick(1000)
    world.told.length = 0
    leader.onMessage(peer(2), { kind: 'pong', number: 2, touched: [] }, 50_000)
    leader.tick(50_000)
    expect(world.told).to.deep.equal(['roleEnded: a quorum is silent'])
  })

  it('Z24: is not kept in office by the pings that syncs ask for', () => {
    const world = new ZabWorld()
    const leader = establish(world)
    leader.tick(0)
    leader.onMessage(peer(2), { kind: 'pong', number: 1, touched: [] }, 1)
    world.told.length = 0
    leader.proof(50_000)
    leader.tick(50_000)
    expect(world.told).to.deep.equal(['roleEnded: a quorum is silent'])
  })

  it('S2: reads what waits before it calls a learner silent, when it has itself stood still', () => {
    const world = new ZabWorld()
    const leader = establish(world)
    leader.tick(100)
    leader.tick(100_000)
    expect(world.effects().filter(each => each.kind === 'disconnect')).to.deep.equal([])
  })
})
