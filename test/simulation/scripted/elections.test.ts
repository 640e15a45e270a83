/** §3.2: who is elected, by whom, and that it stays so. Peer 3 of three leads at first. */
import { mindChanged, observersCount, roundForEpoch } from './election-bugs.js'
import { withWrites } from './openings.js'
import { plays } from './played.js'
import { Script } from './script.js'

describe('an election', () => {
  plays(
    'ZOOKEEPER-1732, ZOOKEEPER-1818: a newcomer joins members whose rounds have come to differ',
    () => {
      const script = Script.begin(3)
      script.serving(1, 2, 3)
      for (let times = 0; times < 3; times++) {
        script.reset(3, 1)
        script.until('1 looks', () => script.status(1).role === 'looking')
        script.serving(1)
      }
      script.crash(2)
      const since = script.minutes.event
      script.start(2)
      script.until('2 hears both', () =>
        [1, 3].every(id => script.minutes.hears(2, id, 'notification', since).length > 0),
      )
      const [a, b] = [1, 3].map(id => script.minutes.hears(2, id, 'notification', since)[0]!.message)
      script.reached('their rounds differ', a!.round !== b!.round && a!.role === 'following' && b!.role === 'leading')
      const { notificationMaxMs } = script.world.protocol
      script.soon('L1', '2 joins', () => script.status(2).serving, notificationMaxMs)
      script.demand('E3', 'the same leader', script.leader === 3 && script.ledger.leaderships.size === 1)
      script.end()
    },
    roundForEpoch,
  )

  plays(
    'ZOOKEEPER-3109: who has decided does not change his mind for a better vote that comes late',
    () => {
      const { script } = withWrites(2)
      script.allHaveAll()
      script.crash(1, 2, 3)
      const held = script.holdLink(2, 1, ['newLeader'])
      script.start(1, 2)
      script.until('2 leads, and is not established', () => held.waiting && !script.status(2).serving)
      const since = script.minutes.event
      script.start(3)
      script.run(200)
      held.release()
      script.soon('L1', 'all serve', () => [1, 2, 3].every(id => script.status(id).serving), 1000)
      const { size } = script.ledger.leaderships
      script.demand('L6', 'under the first that was elected', script.leader === 2 && size === 2)
      const votes = [1, 2].map(id => script.minutes.hears(id, 3, 'notification', since))
      const better = votes.every(each => each.some(({ message }) => message.leader === 3))
      script.reached('both have heard the better vote', better)
      script.end()
    },
    mindChanged,
  )

  plays(
    'ZOOKEEPER-3109: nor are there more than two rounds when the one who comes late must lead, for it has more',
    () => {
      const { script, teller } = withWrites(2)
      const own = script.writeAlone(teller, 1)
      script.crash(1, 2, 3)
      script.releaseAll()
      const held = script.holdLink(2, 1, ['newLeader'])
      script.start(1, 2)
      script.until('2 leads, and is not established', () => held.waiting && !script.status(2).serving)
      script.start(3)
      script.soon('L5', 'all serve', () => [1, 2, 3].every(id => script.status(id).serving), 3000)
      const epochs = [...script.ledger.leaderships.keys()]
      script.demand('L5', 'after one more election at most', Math.max(...epochs) <= 3)
      script.demand('Z13', 'nothing is lost of what is committed', script.leader !== 3 || script.has(1, own))
      script.end()
    },
  )

  plays(
    'ZOOKEEPER-2959, ZOOKEEPER-764: observers make no quorum, whatever they have accepted and hold, and are not elected',
    () => {
      const { script, teller } = withWrites(3, { at: 4, observers: 2 })
      script.serving(1, 2, 3, 4, 5)
      script.crash(1, 2)
      teller.write()
      script.until('3 has proposed it', () => script.lastOn(3).counter === 5)
      const place = script.lastOn(3)
      script.soon('C14', 'the leader stops', () => script.leader === undefined, 1000)
      script.run(5000)
      script.demand('Z15', 'nothing is committed by observers', !script.isCommitted(place))
      script.demand(
        'E5',
        'nobody leads',
        [3, 4, 5].every(id => script.status(id).role === 'looking'),
      )
      // With an observer gone and one voter back there is a quorum, and the observers' epochs had no say in it.
      script.start(2)
      script.soon('L1', 'there is a leader', () => script.leader !== undefined)
      script.demand('E5', 'a voter', script.leader === 3 && script.status(3).epoch === 2)
      script.serving(2, 3, 4, 5)
      script.end()
    },
    observersCount,
  )
})
