/** §3.1 and §3.2: epochs are promised, made current and written down in this order, and a new one begins when the numbers of the old are used up. */
import { LeaderBroadcast } from '../../../lib/core/zab/leader-broadcast.js'
import { isAfter } from '../../../lib/model/zxid.js'
import { replaceMethod } from '../mutants/mutant.js'
import { runsOver } from './election-bugs.js'
import { withWrites } from './openings.js'
import { mutant, plays } from './played.js'
import { Script } from './script.js'

/** 3 is gone; 1 is asked for its promise of epoch 2, or has given it and makes the epoch current: that write waits. */
function writing(which: 'the promise' | 'the current epoch') {
  const { script } = withWrites(3)
  script.allHaveAll()
  const since = script.minutes.event
  const promise = script.holdDisk(1, 'saveEpochs')
  script.crash(3)
  script.until('1 is asked to promise epoch 2', () => promise.waiting && script.status(1).epoch === 2)
  if (which === 'the promise') return { script, since, write: promise }
  promise.release()
  script.until('it has promised', () => script.minutes.sends(1, 2, 'ackEpoch', since).length === 1)
  const write = script.holdDisk(1, 'saveEpochs')
  script.until('it makes the epoch current', () => write.waiting)
  return { script, since, write }
}

describe('an epoch', () => {
  plays(
    'ZOOKEEPER-335, ZOOKEEPER-1081, ZOOKEEPER-1082: its start is on the disk: a longer log of the epoch before loses against it, though nothing was written in it',
    () => {
      const { script, teller } = withWrites(2)
      const own = script.writeAlone(teller, 2)
      script.crash(3)
      script.until('2 leads epoch 2', () => script.leader === 2)
      script.serving(1, 2)
      script.releaseAll()
      script.crash(1, 2)
      script.reached('3 has the longer log', isAfter(script.lastOn(3), script.lastOn(1)))
      script.demand('Z3', '1 has the epoch on its disk', script.peer(1).disk.epochs.current === 2)
      script.start(3, 1)
      script.demand('Z13', 'the later epoch leads', script.led(1, 3) === 1)
      script.demand('Z19', 'what was only of the former is cut', !script.has(3, own) && !script.isCommitted(own))
      script.end()
    },
    mutant('the epoch that becomes current is not saved'),
  )

  for (const fault of ['writeFails', 'syncFails'] as const)
    for (const which of ['the promise', 'the current epoch'] as const)
      plays(
        `ZOOKEEPER-2307: when writing ${which} fails (${fault}) the peer stops without a word, and begins again with what is there`,
        () => {
          const { script, since, write } = writing(which)
          script.peer(1).disk.failNext(fault)
          write.release()
          script.demand('D2', 'it stops', !script.peer(1).isUp && script.peer(1).stoppedBy !== 'closed')
          const word = which === 'the promise' ? 'ackEpoch' : 'ackNewLeader'
          script.demand('Z4', 'it says nothing', script.minutes.sends(1, 2, word, since).length === 0)
          const { accepted, current } = script.peer(1).disk.epochs
          script.demand('Z3', 'what it has is in order', current <= accepted)
          script.start(1)
          script.demand('D5', 'it begins', script.peer(1).isUp)
          script.serving(1, 2)
          script.end()
        },
        mutant('a peer goes on after a write that failed'),
        mutant('an epoch is written without its promise'),
      )

  for (const which of ['the promise', 'the current epoch'] as const)
    for (const keeps of [0, 1, 2])
      plays(
        `ZOOKEEPER-4269: when the power goes after ${keeps} of the two writes of ${which}, the next start finds the old epochs or the new`,
        () => {
          const { script, since, write } = writing(which)
          const before = script.peer(1).disk.epochs
          script.cutPower(1, keeps)
          const { accepted, current } = script.peer(1).disk.epochs
          write.release()
          script.start(1)
          script.demand('D5', 'it begins', script.peer(1).isUp && !script.peer(1).disk.damaged)
          script.serving(1, 2)
          const expected = keeps === 0 ? before : { accepted: 2, current: which === 'the promise' ? 1 : 2 }
          script.reached('it was where it is said', accepted === expected.accepted && current === expected.current)
          script.reached('it is asked once more', script.minutes.sends(1, 2, 'learnerInfo', since).length >= 1)
          script.end()
        },
        ...(keeps === 1 && which === 'the promise'
          ? [mutant('the mark has a promised epoch before the log has it')]
          : []),
      )

  plays(
    'ZOOKEEPER-1277: when the numbers of an epoch are used up the service goes on in the next one, and none comes twice',
    () => {
      // Nobody writes 2³² txns here: an epoch ends after eight. What happens then is the same.
      const undo = replaceMethod(LeaderBroadcast.prototype, 'nextZxid', nextZxid => {
        return function (this: LeaderBroadcast) {
          const place = nextZxid.call(this)
          return place === undefined || place.counter > 8 ? undefined : place
        }
      })
      try {
        const script = Script.begin(3)
        const teller = script.client(1)
        const calls = Array.from({ length: 30 }, () => {
          const call = teller.write()
          script.run(5)
          return call
        })
        for (const call of calls) script.soon('L1', 'each is answered', () => call.outcome?.kind === 'answered')
        const { epoch, counter } = script.ledger.last
        script.demand('Z5', 'there were epochs of eight', epoch >= 4 && counter <= 8)
        const places = script.ledger.chain.map(({ proposal }) => proposal.zxid)
        script.demand(
          'Z5',
          'that began with 1',
          places.every(each => each.counter <= 8 && (each.counter > 1 || each.epoch > 1 || each === places[0])),
        )
        script.end()
      } finally {
        undo()
      }
    },
    runsOver,
  )
})
