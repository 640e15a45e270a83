import { expect } from 'chai'
import type { Quorum } from '../../../../lib/core/quorum/quorum.js'
import { weighted } from '../../../../lib/core/quorum/weighted.js'
import type { Leader } from '../../../../lib/core/zab/leader.js'
import { StateMarks } from '../../../../lib/core/zab/state-marks.js'
import { EMPTY_DIGEST, type StateDigest } from '../../../../lib/model/digest.js'
import { zxid } from '../../../../lib/model/zxid.js'
import { link, logOf, op, peer, ZabWorld } from './zab-world.js'

const right: StateDigest = { high: 1, low: 1, system: { high: 3, low: 3 } }
const wrong: StateDigest = { high: 2, low: 2, system: { high: 3, low: 3 } }
const wrongQuotas: StateDigest = { high: 1, low: 1, system: { high: 3, low: 4 } }
const ofEarlier: StateDigest = { high: 1, low: 1 }

/** Peer 1 leads epoch 2 over a log of eight, all of it applied, with marks at 1, 4 and 8 of epoch 1; the others are in sync. */
function lead(world: ZabWorld, others = [2, 3], quorum?: Quorum): Leader {
  const leader = world.leader([1, 2, 3], true, 1, quorum)
  leader.start()
  for (const id of others) {
    const role = id > 3 ? 'observer' : 'participant'
    leader.join(peer(id), link(10 + id), { kind: 'learnerInfo', role, acceptedEpoch: 1 }, 0)
  }
  leader.onEpochsSaved(op(1))
  const ack = { kind: 'ackEpoch', currentEpoch: 1, lastZxid: world.history.last, counted: true } as const
  for (const id of others.filter(each => each <= 3)) world.promises(leader, id, ack)
  leader.onEpochsSaved(op(2))
  for (const id of others.filter(each => each <= 3)) leader.onMessage(peer(id), { kind: 'ackNewLeader', epoch: 2 }, 0)
  for (const id of others.filter(each => each > 3)) {
    leader.onMessage(peer(id), ack, 0)
    leader.onMessage(peer(id), { kind: 'ackNewLeader', epoch: 2 }, 0)
  }
  for (let next = world.history.nextToApply(); next !== undefined; next = world.history.nextToApply()) {
    world.history.markApplied(next)
    world.marks.applied(next.zxid, () => right)
  }
  world.effects()
  return leader
}

const pong = (leader: Leader, id: number, digest: StateDigest, at = 8): void =>
  leader.onMessage(peer(id), { kind: 'pong', number: 1, touched: [], mark: { zxid: zxid(1, at), digest } }, 1)

const world = (): ZabWorld => new ZabWorld(logOf(1, 8), { accepted: 1, current: 1 })

describe('divergence', () => {
  it('Z31: tells a learner that differs at once, and judges nobody one against one', () => {
    const w = world()
    const leader = lead(w)
    pong(leader, 2, wrong)
    expect(w.effects()).to.deep.equal([
      { kind: 'send', link: 12, message: { kind: 'diverged', zxid: zxid(1, 8), judged: false } },
    ])
    pong(leader, 2, wrong)
    expect(w.effects()).to.deep.equal([])
  })

  it('Z31: judges it once a quorum agrees, and sends it away for a snapshot', () => {
    const w = world()
    const leader = lead(w)
    pong(leader, 2, wrong)
    w.effects()
    pong(leader, 3, right)
    expect(w.effects()).to.deep.equal([
      { kind: 'send', link: 12, message: { kind: 'diverged', zxid: zxid(1, 8), judged: true } },
      { kind: 'disconnect', link: 12, reason: 'its state differs: it gets a snapshot' },
    ])
  })

  it('Z31: sees a state that differs in the system znodes alone, unless the learner is of a release that does not count them', () => {
    const w = world()
    const leader = lead(w)
    pong(leader, 2, ofEarlier)
    expect(w.effects()).to.deep.equal([])
    pong(leader, 2, wrongQuotas)
    pong(leader, 3, ofEarlier)
    expect(w.sent()).to.deep.equal([
      [12, { kind: 'diverged', zxid: zxid(1, 8), judged: false }],
      [12, { kind: 'diverged', zxid: zxid(1, 8), judged: true }],
    ])
  })

  it('Z31: takes no older agreement for a word on this', () => {
    const w = world()
    const leader = lead(w)
    pong(leader, 3, right, 4)
    pong(leader, 2, wrong, 8)
    expect(w.sent()).to.deep.equal([[12, { kind: 'diverged', zxid: zxid(1, 8), judged: false }]])
  })

  it('Z31: steps down when more contradict it than confirm it, and stands for no election with that state', () => {
    const w = world()
    const leader = lead(w)
    pong(leader, 2, wrong)
    pong(leader, 3, wrong)
    expect(w.told.slice(-2)).to.deep.equal(['diverged', 'roleEnded: its state differs from the majority'])
    expect(w.marks.diverged).to.equal(true)
  })

  it('Z31: keeps a learner that differs while the quorum needs its log', () => {
    const w = world()
    const leader = lead(w)
    pong(leader, 2, wrong)
    leader.onUnlinked(peer(3))
    leader.tick(1)
    expect(w.effects().filter(each => each.kind === 'disconnect')).to.deep.equal([])
  })

  it('Z31, Z20: sends a snapshot that covers all of its log, made anew', () => {
    const w = world()
    const leader = lead(w, [2])
    leader.join(peer(3), link(13), { kind: 'learnerInfo', role: 'participant', acceptedEpoch: 2 }, 2)
    const ack = { kind: 'ackEpoch', currentEpoch: 2, lastZxid: zxid(1, 8), counted: false, setAside: true } as const
    leader.onMessage(peer(3), ack, 2)
    leader.tick(2)
    const [, checkpoint] = w.effects()
    expect(checkpoint).to.have.property('kind', 'checkpoint')
    leader.onCheckpointed(op(99), zxid(1, 8))
    expect(w.effects(), 'of another checkpoint').to.deep.equal([])
    leader.onCheckpointed((checkpoint as { op: ReturnType<typeof op> }).op, zxid(1, 8))
    expect(w.effects()).to.deep.equal([{ kind: 'sendSnapshot', link: 13, upTo: zxid(1, 8), as: 'proposal' }])
  })

  it('Z31: gives it a DIFF while the quorum needs it: its log is sound', () => {
    const w = world()
    const leader = w.leader([1, 2, 3])
    leader.start()
    leader.join(peer(2), link(12), { kind: 'learnerInfo', role: 'participant', acceptedEpoch: 1 }, 0)
    leader.onEpochsSaved(op(1))
    const ack = { kind: 'ackEpoch', currentEpoch: 1, lastZxid: zxid(1, 8), counted: true, setAside: true } as const
    w.promises(leader, 2, ack)
    expect(w.sent().map(([, message]) => message.kind)).to.include.members(['diff', 'newLeader'])
    leader.onMessage(peer(2), { kind: 'ackNewLeader', epoch: 2 }, 0)
    leader.onEpochsSaved(op(2))
    expect(leader.established).to.equal(true)
  })

  describe('where one counts more than all others together', () => {
    const heavy = weighted([
      { id: peer(1), group: 1, weight: 3 },
      { id: peer(2), group: 1, weight: 1 },
      { id: peer(3), group: 1, weight: 1 },
    ])

    it('Z31: judges nobody one against one, though the leader is a quorum by itself', () => {
      const w = world()
      const leader = lead(w, [2, 3], heavy)
      pong(leader, 2, wrong)
      expect(w.sent()).to.deep.equal([[12, { kind: 'diverged', zxid: zxid(1, 8), judged: false }]])
      pong(leader, 3, right)
      expect(w.effects()).to.deep.equal([
        { kind: 'send', link: 12, message: { kind: 'diverged', zxid: zxid(1, 8), judged: true } },
        { kind: 'disconnect', link: 12, reason: 'its state differs: it gets a snapshot' },
      ])
    })

    it('Z31: lets the leader step down that two contradict', () => {
      const w = world()
      const leader = lead(w, [2, 3], heavy)
      pong(leader, 2, wrong)
      pong(leader, 3, wrong)
      expect(w.told.slice(-2)).to.deep.equal(['diverged', 'roleEnded: its state differs from the majority'])
    })

    it('Z31: believes no leader alone against an observer', () => {
      const w = world()
      const leader = lead(w, [2, 4], heavy)
      pong(leader, 4, wrong)
      expect(w.sent()).to.deep.equal([[14, { kind: 'diverged', zxid: zxid(1, 8), judged: false }]])
    })
  })
})

describe('learner whose state differs', () => {
  function serving(w: ZabWorld) {
    const learner = w.learner()
    learner.start()
    learner.onMessage({ kind: 'leaderInfo', epoch: 2 }, 0)
    learner.onEpochsSaved(op(1))
    learner.onMessage({ kind: 'diff', after: w.history.last }, 0)
    learner.onMessage({ kind: 'newLeader', epoch: 2, zxid: w.history.last }, 0)
    learner.onEpochsSaved(op(2))
    learner.onMessage({ kind: 'upToDate', committed: w.history.last }, 0)
    w.effects()
    return learner
  }

  it('reports its last mark with its pongs', () => {
    const w = world()
    const learner = serving(w)
    w.marks.applied(zxid(1, 4), () => right)
    learner.onMessage({ kind: 'ping', number: 7, heard: 0 }, 1)
    expect(w.sent()).to.deep.equal([
      [1, { kind: 'pong', number: 7, touched: [], mark: { zxid: zxid(1, 4), digest: right } }],
    ])
  })

  it('Z31: is suspended at once, says so at its next ackEpoch only if it was judged, and goes on to acknowledge', () => {
    const w = world()
    const learner = serving(w)
    learner.onMessage({ kind: 'diverged', zxid: zxid(1, 4), judged: false }, 1)
    expect([learner.suspended, w.marks.diverged, w.told.at(-1)]).to.deep.equal([true, false, 'diverged'])
    learner.onMessage({ kind: 'diverged', zxid: zxid(1, 4), judged: true }, 1)
    expect(w.marks.diverged).to.equal(true)
    const again = w.learner()
    again.start()
    again.onMessage({ kind: 'leaderInfo', epoch: 2 }, 2)
    expect(w.sent().at(-1)![1]).to.deep.equal({
      kind: 'ackEpoch',
      currentEpoch: 2,
      lastZxid: zxid(1, 8),
      counted: false,
      setAside: true,
    })
    w.marks.replaced()
    expect(w.marks.diverged).to.equal(false)
  })
})

describe('state marks', () => {
  it('are made after the first txn of an epoch and at the multiples, and are bounded', () => {
    const marks = new StateMarks(4)
    const asked: number[] = []
    for (let counter = 1; counter <= 9; counter++)
      marks.applied(zxid(3, counter), () => {
        asked.push(counter)
        return { high: 0, low: counter }
      })
    expect(asked).to.deep.equal([1, 4, 8])
    expect(marks.newest).to.deep.equal({ zxid: zxid(3, 8), digest: { high: 0, low: 8 } })
    expect(marks.at(zxid(3, 4))).to.deep.equal({ high: 0, low: 4 })
    expect(marks.at(zxid(3, 5))).to.equal(undefined)
    for (let counter = 12; counter <= 40_000; counter += 4) marks.applied(zxid(3, counter), () => EMPTY_DIGEST)
    expect(marks.at(zxid(3, 4))).to.equal(undefined)
    expect(marks.at(zxid(3, 40_000))).to.deep.equal(EMPTY_DIGEST)
    marks.replaced()
    expect(marks.newest).to.equal(undefined)
  })
})
