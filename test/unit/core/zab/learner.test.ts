import { expect } from 'chai'
import type { Learner } from '../../../../lib/core/zab/learner.js'
import { EMPTY_DIGEST } from '../../../../lib/model/digest.js'
import { ZERO, zxid } from '../../../../lib/model/zxid.js'
import { logOf, op, proposal, ZabWorld } from './zab-world.js'

const one = proposal(zxid(1, 1), ZERO)
const two = proposal(zxid(1, 2), zxid(1, 1))

/** Has promised epoch 1 and waits for history. */
function promised(world: ZabWorld, learner: Learner): void {
  learner.start()
  learner.onMessage({ kind: 'leaderInfo', epoch: world.epochs.accepted + 1 }, 0)
  learner.onEpochsSaved(op(1))
  world.effects()
}

/** Its leader's history, which is empty, is its own, and it serves. */
function broadcasting(world: ZabWorld, learner: Learner): void {
  promised(world, learner)
  learner.onMessage({ kind: 'diff', after: ZERO }, 0)
  learner.onMessage({ kind: 'newLeader', epoch: 1, zxid: ZERO }, 0)
  learner.onEpochsSaved(op(2))
  learner.onMessage({ kind: 'upToDate', committed: ZERO }, 0)
}

describe('learner', () => {
  it('Z4: answers a new epoch only when its promise is durable, and a known one without counting', () => {
    const world = new ZabWorld()
    const learner = world.learner()
    learner.start()
    learner.onMessage({ kind: 'leaderInfo', epoch: 3 }, 0)
    expect(world.effects()).to.deep.equal([
      { kind: 'send', link: 1, message: { kind: 'learnerInfo', role: 'participant', acceptedEpoch: 0 } },
      { kind: 'saveEpochs', op: 1, epochs: { accepted: 3, current: 0 } },
    ])
    learner.onEpochsSaved(op(1))
    expect(world.sent()).to.deep.equal([[1, { kind: 'ackEpoch', currentEpoch: 0, lastZxid: ZERO, counted: true }]])

    const again = world.learner()
    again.onMessage({ kind: 'leaderInfo', epoch: 3 }, 0)
    expect(world.sent()).to.deep.equal([[1, { kind: 'ackEpoch', currentEpoch: 0, lastZxid: ZERO, counted: false }]])
  })

  it('Z4: leaves a leader of an older epoch', () => {
    const world = new ZabWorld([], { accepted: 5, current: 5 })
    const learner = world.learner()
    learner.onMessage({ kind: 'leaderInfo', epoch: 4 }, 0)
    expect(world.told).to.deep.equal(['roleEnded: unexpected leaderInfo from the leader while joined'])
  })

  it('Z18: history durable, then epoch durable, then ACK; and only then later proposals', () => {
    const world = new ZabWorld()
    const learner = world.learner()
    promised(world, learner)
    learner.onMessage({ kind: 'diff', after: ZERO }, 0)
    learner.onMessage({ kind: 'proposal', proposal: one }, 0)
    learner.onMessage({ kind: 'newLeader', epoch: 1, zxid: zxid(1, 1) }, 0)
    learner.onMessage({ kind: 'proposal', proposal: two }, 0)
    expect(world.effects()).to.deep.equal([
      { kind: 'append', op: 2, proposals: [one] },
      { kind: 'append', op: 3, proposals: [two] },
    ])
    world.history.logged(zxid(1, 1))
    learner.onLogged()
    expect(world.effects()).to.deep.equal([{ kind: 'saveEpochs', op: 4, epochs: { accepted: 1, current: 1 } }])
    world.history.logged(zxid(1, 2))
    learner.onLogged()
    expect(world.effects()).to.deep.equal([])
    learner.onEpochsSaved(op(4))
    expect(world.sent()).to.deep.equal([
      [1, { kind: 'ackNewLeader', epoch: 1 }],
      [1, { kind: 'ack', zxid: zxid(1, 2) }],
    ])
  })

  it('Z17: acknowledges a proposal when it is on the disk, once', () => {
    const world = new ZabWorld()
    const learner = world.learner()
    broadcasting(world, learner)
    world.effects()
    learner.onMessage({ kind: 'proposal', proposal: one }, 0)
    expect(world.effects()).to.deep.equal([{ kind: 'append', op: 3, proposals: [one] }])
    world.history.logged(zxid(1, 1))
    learner.onLogged()
    learner.onLogged()
    expect(world.effects()).to.deep.equal([{ kind: 'send', link: 1, message: { kind: 'ack', zxid: zxid(1, 1) } }])
  })

  it('Z14: leaves a leader whose history has a gap', () => {
    const world = new ZabWorld()
    const learner = world.learner()
    promised(world, learner)
    learner.onMessage({ kind: 'diff', after: ZERO }, 0)
    learner.onMessage({ kind: 'proposal', proposal: two }, 0)
    expect(world.effects()).to.deep.equal([])
    expect(world.told).to.deep.equal(['roleEnded: unexpected proposal from the leader while syncing'])
  })

  it('Z19: cuts its log where told, or before, and says where it ends now', () => {
    const world = new ZabWorld(logOf(1, 3), { accepted: 1, current: 1 })
    const learner = world.learner()
    promised(world, learner)
    learner.onMessage({ kind: 'truncate', after: zxid(1, 2) }, 0)
    expect(world.effects()).to.deep.equal([
      { kind: 'truncate', op: 2, after: zxid(1, 2) },
      { kind: 'send', link: 1, message: { kind: 'ackEpoch', currentEpoch: 1, lastZxid: zxid(1, 2), counted: false } },
    ])
  })

  it('Z20: stops with HISTORY_CONFLICT rather than cut what it has applied, and keeps its data', () => {
    const world = new ZabWorld(logOf(1, 3), { accepted: 1, current: 1 })
    world.history.commit(zxid(1, 3))
    for (let next = world.history.nextToApply(); next !== undefined; next = world.history.nextToApply())
      world.history.markApplied(next)
    const learner = world.learner()
    promised(world, learner)
    learner.onMessage({ kind: 'truncate', after: zxid(1, 2) }, 0)
    expect(world.told).to.deep.equal(['fatal: HISTORY_CONFLICT'])
    expect(world.effects()).to.deep.equal([])
    learner.onMessage({ kind: 'snapshotBegin', zxid: zxid(1, 1), time: 0, digest: EMPTY_DIGEST }, 0)
    expect(world.told).to.deep.equal(['fatal: HISTORY_CONFLICT', 'fatal: HISTORY_CONFLICT'])
    expect(world.effects()).to.deep.equal([])
  })

  it('Z18: does not acknowledge NEWLEADER while a snapshot is on its way to the disk', () => {
    const world = new ZabWorld()
    const learner = world.learner()
    promised(world, learner)
    learner.onMessage({ kind: 'snapshotBegin', zxid: zxid(1, 1), time: 0, digest: EMPTY_DIGEST }, 0)
    learner.onMessage({ kind: 'newLeader', epoch: 1, zxid: zxid(1, 1) }, 0)
    expect(world.effects().map(each => each.kind)).to.deep.equal(['installSnapshot'])
    world.history.snapshotInstalled(op(2))
    learner.onSnapshotInstalled()
    expect(world.effects()).to.deep.equal([{ kind: 'saveEpochs', op: 3, epochs: { accepted: 1, current: 1 } }])
  })

  it('Z16: a commit beyond what it was sent ends the relationship', () => {
    const world = new ZabWorld()
    const learner = world.learner()
    broadcasting(world, learner)
    learner.onMessage({ kind: 'commit', zxid: zxid(1, 1) }, 0)
    expect(world.told).to.deep.equal(['established', 'roleEnded: unexpected commit from the leader while broadcast'])
    expect(world.history.committed).to.deep.equal(ZERO)
  })
})
