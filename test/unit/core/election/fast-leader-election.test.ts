import { expect } from 'chai'
import { type Decision, FastLeaderElection } from '../../../../lib/core/election/fast-leader-election.js'
import { isBetter, type Vote } from '../../../../lib/core/election/vote.js'
import { defaultProtocolOptions } from '../../../../lib/core/protocol-options.js'
import { majority } from '../../../../lib/core/quorum/majority.js'
import type { Notification, RoleName } from '../../../../lib/core/zab/messages.js'
import type { PeerId } from '../../../../lib/model/ids.js'
import { zxid } from '../../../../lib/model/zxid.js'

const peer = (id: number): PeerId => id as PeerId
const vote = (leader: number, epoch: number, counter: number): Vote => ({
  leader: peer(leader),
  epoch,
  zxid: zxid(epoch, counter),
})
const says = (role: RoleName, round: number, { leader, epoch, zxid: at }: Vote): Notification => ({
  kind: 'notification',
  role,
  leader,
  epoch,
  zxid: at,
  round,
})

/** One peer's election, with everything it says kept. */
function election(self: number, own: Vote, options: { round?: number; linked?: number[] } = {}) {
  const said: [to: number | 'all', heard: Notification][] = []
  const port = {
    announce: (notification: Notification) => void said.push(['all', notification]),
    reply: (to: PeerId, notification: Notification) => void said.push([to, notification]),
    linked: () => (options.linked ?? [1, 2, 3].filter(id => id !== self)).map(peer),
  }
  const quorum = majority([1, 2, 3].map(peer))
  const setup = { self: peer(self), quorum, port, options: defaultProtocolOptions }
  return { elect: new FastLeaderElection(setup, own, options.round ?? 1, 0), said }
}

describe('fast leader election', () => {
  it('E1: prefers the later epoch, then the longer log, then the larger id', () => {
    const ascending = [vote(3, 1, 9), vote(1, 2, 1), vote(2, 2, 1), vote(1, 2, 2)]
    for (const [i, a] of ascending.entries())
      for (const [j, b] of ascending.entries()) expect(isBetter(a, b)).to.equal(i > j)
  })

  it('converges on the best of three, without waiting when everybody linked agrees', () => {
    const votes = [vote(1, 1, 5), vote(2, 1, 7), vote(3, 1, 6)]
    const peers = votes.map((own, index) => election(index + 1, own))
    const decisions: (Decision | undefined)[] = peers.map(({ elect }) => elect.start(0))
    for (let sent = true; sent; ) {
      sent = false
      for (const [from, { said }] of peers.entries()) {
        for (const [to, heard] of said.splice(0)) {
          sent = true
          for (const [index, { elect }] of peers.entries()) {
            if (index === from || (to !== 'all' && to !== index + 1)) continue
            if (decisions[index] === undefined) decisions[index] = elect.onNotification(peer(from + 1), heard, 0)
          }
        }
      }
    }
    for (const decision of decisions) expect(decision).to.deep.equal({ vote: votes[1], round: 1 })
  })

  it('waits for a better vote while somebody linked is of another mind, and then decides', () => {
    const { elect } = election(2, vote(2, 1, 7))
    elect.start(0)
    expect(elect.onNotification(peer(1), says('looking', 1, vote(2, 1, 7)), 10)).to.equal(undefined)
    expect(elect.tick(10 + defaultProtocolOptions.finalizeWaitMs - 1)).to.equal(undefined)
    expect(elect.tick(10 + defaultProtocolOptions.finalizeWaitMs)).to.deep.equal({ vote: vote(2, 1, 7), round: 1 })
  })

  it('E2: adopts no vote of a lower round, and tells its sender', () => {
    const { elect, said } = election(1, vote(1, 1, 5), { round: 4 })
    elect.start(0)
    said.length = 0
    elect.onNotification(peer(3), says('looking', 3, vote(3, 9, 9)), 0)
    expect(said).to.deep.equal([[3, says('looking', 4, vote(1, 1, 5))]])
  })

  it('E2: a higher round clears what was counted', () => {
    const { elect } = election(2, vote(2, 1, 7))
    elect.start(0)
    elect.onNotification(peer(1), says('looking', 1, vote(2, 1, 7)), 0)
    expect(elect.onNotification(peer(3), says('looking', 2, vote(3, 1, 6)), 0)).to.equal(undefined)
    expect(elect.round).to.equal(2)
    expect(elect.tick(10_000)).to.equal(undefined)
  })

  it('E3: follows nobody it has not heard of itself', () => {
    const { elect } = election(1, vote(1, 1, 5))
    elect.start(0)
    elect.onNotification(peer(2), says('looking', 1, vote(3, 1, 6)), 0)
    expect(elect.tick(10_000)).to.equal(undefined)
    expect(elect.onNotification(peer(3), says('looking', 1, vote(3, 1, 6)), 10_000)).to.deep.equal({
      vote: vote(3, 1, 6),
      round: 1,
    })
  })

  for (const [what, linked] of [
    ['is gone', [2]],
    ['is under repair', [2, 3]],
  ] as const) {
    it(`L1: begins another round when a quorum backs a candidate that ${what}`, () => {
      const { elect, said } = election(1, vote(1, 1, 5), { round: 4, linked: [...linked] })
      elect.start(0)
      if (linked.length > 1)
        elect.onNotification(peer(3), { ...says('looking', 1, vote(3, 0, 0)), role: 'repairing' }, 0)
      elect.onNotification(peer(2), says('looking', 4, vote(3, 1, 9)), 0)
      expect(said.at(-1)![1]).to.include({ leader: 3, round: 4 })
      expect(elect.tick(10_000)).to.equal(undefined)
      expect(said.at(-1)![1]).to.include({ leader: 1, round: 5 })
    })
  }

  it('E2, E3: joins an established leader of any round, and its own round does not go back', () => {
    const { elect } = election(1, vote(1, 3, 5), { round: 6 })
    elect.start(0)
    const established = vote(3, 4, 1)
    expect(elect.onNotification(peer(2), says('following', 2, established), 0)).to.equal(undefined)
    expect(elect.onNotification(peer(3), says('leading', 2, established), 0)).to.deep.equal({
      vote: established,
      round: 6,
    })
  })

  it('E5: counts nobody who does not vote, but answers who asks', () => {
    const { elect, said } = election(2, vote(2, 1, 7))
    elect.start(0)
    said.length = 0
    expect(elect.onNotification(peer(9), says('looking', 8, vote(9, 9, 9)), 0)).to.equal(undefined)
    expect(said).to.deep.equal([[9, says('looking', 1, vote(2, 1, 7))]])
    expect(elect.round).to.equal(1)
  })

  it('says its vote again, each time after twice as long', () => {
    const { elect, said } = election(1, vote(1, 1, 5), { linked: [] })
    elect.start(0)
    const { notificationMinMs } = defaultProtocolOptions
    for (const at of [notificationMinMs, notificationMinMs * 2, notificationMinMs * 3]) elect.tick(at)
    expect(said).to.have.length(3)
  })

  it('E7: a damaged voter proposes nobody, and what it says or has said counts for nothing', () => {
    const { elect, said } = election(1, vote(1, 1, 5))
    elect.start(0)
    elect.onNotification(peer(2), says('looking', 1, vote(1, 1, 5)), 0)
    const damaged = { ...says('looking', 1, vote(1, 1, 5)), role: 'repairing' } as const
    expect(elect.onNotification(peer(2), damaged, 0)).to.equal(undefined)
    expect(elect.tick(1_000_000), 'its own vote alone').to.equal(undefined)
    expect(said.filter(([to]) => to === 2)).to.have.lengthOf(1)
  })

  it('L1: one without a vote answers no older round: a looking voter would answer it in turn', () => {
    const { elect, said } = election(4, vote(4, 0, 0), { round: 4, linked: [1, 2, 3] })
    elect.onNotification(peer(1), says('looking', 1, vote(1, 1, 5)), 0)
    expect(said).to.deep.equal([])
  })

  describe('with fresh disks', () => {
    const nobody = vote(1, 0, 0)
    function fresh(isFirstStart: () => boolean) {
      const said: Notification[] = []
      const port = {
        announce: (heard: Notification) => void said.push(heard),
        reply: () => {},
        linked: () => [peer(2)],
      }
      const setup = { self: peer(1), quorum: majority([1, 2, 3].map(peer)), port, options: defaultProtocolOptions }
      const standing = { own: { fresh: true, blank: true } as const, isFirstStart }
      return { elect: new FastLeaderElection({ ...setup, standing }, nobody, 1, 0), said }
    }
    const freshly = (heard: Notification): Notification => ({ ...heard, fresh: true, blank: true })

    it('Z29: says that its disk is fresh, and elects nobody with another such', () => {
      const { elect, said } = fresh(() => false)
      elect.start(0)
      expect(said[0]).to.include({ fresh: true, blank: true })
      expect(elect.onNotification(peer(2), freshly(says('looking', 1, vote(2, 0, 0))), 0)).to.equal(undefined)
      expect(elect.tick(60_000)).to.equal(undefined)
    })

    it('E6: a vote for this voter by what it had before is not taken over (seed 26 with two wiped of five)', () => {
      const { elect, said } = fresh(() => false)
      elect.start(0)
      elect.onNotification(peer(2), says('looking', 1, vote(1, 3, 7)), 0)
      elect.onNotification(peer(2), says('looking', 5, vote(1, 3, 7)), 0)
      expect(said.map(each => [each.round, each.leader, each.epoch])).to.deep.equal([
        [1, 1, 0],
        [5, 1, 0],
      ])
    })

    it('L1: a vote for one whose disk was lost since ends with the round (seed 237 with two wiped of five)', () => {
      const { elect } = election(1, vote(1, 1, 5))
      elect.start(0)
      elect.onNotification(peer(2), says('looking', 1, vote(3, 1, 7)), 0)
      elect.onNotification(peer(3), freshly(says('looking', 1, vote(2, 1, 6))), 0)
      expect(elect.notification()).to.include({ round: 1, leader: 3 })
      expect(elect.tick(60_000)).to.equal(undefined)
      expect(elect.notification()).to.include({ round: 2, leader: 1 })
    })

    it('Z29: counts them all once it is the first start, also what it heard before', () => {
      let first = false
      const { elect } = fresh(() => first)
      elect.start(0)
      elect.onNotification(peer(2), freshly(says('looking', 1, vote(2, 0, 0))), 0)
      first = true
      expect(elect.tick(1)).to.deep.equal({ vote: vote(2, 0, 0), round: 1 })
    })

    it('Z29: follows whom a quorum of others has chosen, and is not counted by a voter with a history', () => {
      const { elect } = fresh(() => false)
      elect.start(0)
      elect.onNotification(peer(2), says('looking', 1, vote(2, 3, 7)), 0)
      expect(elect.onNotification(peer(3), says('looking', 1, vote(2, 3, 7)), 0)?.vote).to.deep.equal(vote(2, 3, 7))
      const other = election(2, vote(2, 3, 7))
      other.elect.start(0)
      other.elect.onNotification(peer(1), freshly(says('looking', 1, vote(2, 3, 7))), 0)
      expect(other.elect.tick(60_000)).to.equal(undefined)
    })
  })
})
