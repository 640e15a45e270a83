/** §3.1: NEWLEADER and its acknowledgement, with everything that may come between. Peer 3 of three leads at first. */
import { ackBeforeNewLeader, ackOnReceipt, commitToAll, epochFirst, newLeaderFirst } from './bugs.js'
import { late, withWrites } from './openings.js'
import { mutant, plays } from './played.js'

describe('NEWLEADER', () => {
  plays(
    'ZOOKEEPER-3023: it is not acknowledged while DIFF entries are on their way to the disk, and nobody is served',
    () => {
      const { script, place, since } = late(4)
      const disk = script.holdDisk(1, 'append')
      script.start(1)
      script.until('NEWLEADER is heard, and the disk does nothing', () => {
        return disk.waiting && script.minutes.hears(1, 3, 'newLeader', since).length === 1
      })
      script.reached('it came by DIFF', script.minutes.hears(1, 3, 'diff', since).length === 1)
      script.run(300)
      script.demand('Z18', 'it is not acknowledged', script.minutes.sends(1, 3, 'ackNewLeader', since).length === 0)
      script.demand('C14', 'nobody is served', !script.status(1).serving)
      disk.release()
      script.serving(1)
      script.demand('Z18', 'it has the history', script.has(1, place))
      script.end()
    },
    ackOnReceipt,
  )

  plays(
    'ZOOKEEPER-3104: it comes behind every entry that the leader had, however long those take',
    () => {
      const { script, place, since } = late(4)
      const link = script.holdLink(3, 1, ['proposal'])
      script.start(1)
      script.until('entries are on their way', () => link.waiting)
      script.run(300)
      script.demand('Z18', 'it is not there', script.minutes.hears(1, 3, 'newLeader', since).length === 0)
      link.release()
      script.until('it is acknowledged', () => script.minutes.sends(1, 3, 'ackNewLeader', since).length === 1)
      script.crash(1)
      script.demand('Z18', 'who acknowledged it has the history', script.has(1, place))
      script.end()
    },
    newLeaderFirst,
  )

  plays(
    'ZOOKEEPER-3911: DIFF entries are durable before it is acknowledged; the whole quorum crashes and nothing is lost',
    () => {
      const { script, teller } = withWrites(3)
      const place = script.writeAlone(teller, 1)
      script.crash(2, 1, 3)
      script.releaseAll()
      // It becomes committed when 1 acknowledges NEWLEADER, by that alone.
      const since = script.minutes.event
      const disk = script.holdDisk(1, 'append')
      script.start(3, 1)
      script.until('NEWLEADER is heard, and the disk does nothing', () => {
        return disk.waiting && script.minutes.hears(1, 3, 'newLeader', since).length > 0
      })
      script.reached('it came by DIFF', script.minutes.hears(1, 3, 'diff', since).length === 1)
      script.run(300)
      script.demand('Z18', 'it is not acknowledged', script.minutes.sends(1, 3, 'ackNewLeader', since).length === 0)
      disk.release()
      script.until('the entry is committed', () => script.isCommitted(place))
      // The quorum that knows of it is gone; 1 alone brings it to 2.
      script.crash(3)
      script.crash(1)
      script.start(1, 2)
      script.led(1, 2)
      script.demand('Z21', 'what 1 acknowledged is on its disk', script.has(1, place) && script.has(2, place))
      script.end()
    },
    ackOnReceipt,
  )

  plays(
    'ZOOKEEPER-4643: the epoch follows the history to the disk; who crashes between has the old one, and loses the next election',
    () => {
      const { script, place } = late(4)
      script.crash(3)
      const disk = script.holdDisk(1, 'append')
      script.start(1)
      script.until('1 is given the history of epoch 2', () => disk.waiting && script.status(1).epoch === 2)
      script.run(100)
      script.crash(1)
      script.reached('1 has not got it', !script.has(1, place))
      script.demand('Z18', 'nor its epoch', script.peer(1).disk.epochs.current === 1)
      script.crash(2)
      script.releaseAll()
      script.start(3, 1)
      script.demand('Z13', 'who has the longer log leads', script.led(1, 3) === 3)
      script.demand('Z20', 'nothing is lost', script.has(1, place) && script.has(3, place))
      script.end()
    },
    epochFirst,
  )

  for (const [moment, current] of [
    ['before the epoch is written', 1],
    ['behind the acknowledgement', 2],
  ] as const)
    plays(
      `ZOOKEEPER-4643: who crashes right ${moment} has the history, and epoch ${current}`,
      () => {
        const { script, place } = late(4)
        script.crash(3)
        if (current === 1) script.crashAt(1, 'before', each => each.kind === 'saveEpochs' && each.epochs.current === 2)
        else script.crashAt(1, 'behind', each => each.kind === 'send' && each.message.kind === 'ackNewLeader')
        script.start(1)
        script.until('1 crashes', () => !script.peer(1).isUp)
        script.demand('Z18', 'it has the history', script.has(1, place))
        script.demand('Z18', 'and that epoch', script.peer(1).disk.epochs.current === current)
        script.crash(2)
        script.peer(1).crashesAt = () => false
        script.start(3, 1)
        script.demand('Z13', 'the later epoch leads', script.led(1, 3) === (current === 1 ? 3 : 1))
        script.demand('Z20', 'nothing is lost', script.has(1, place) && script.has(3, place))
        script.end()
      },
      epochFirst,
    )

  plays(
    'ZOOKEEPER-4646: it is not acknowledged while the log writer has the entries in its hands; a crash then costs nothing',
    () => {
      const { script, place, since } = late(4)
      const disk = script.holdDisk(1, 'append')
      script.start(1)
      script.until('the log writer has them', () => {
        return disk.waiting && script.minutes.hears(1, 3, 'newLeader', since).length === 1
      })
      script.run(100)
      script.crash(1)
      script.reached('the entries are gone', !script.has(1, place))
      script.demand('Z18', 'nothing was said', script.minutes.sends(1, 3, 'ackNewLeader', since).length === 0)
      disk.release()
      script.comeBack(1)
      script.demand('Z17', 'they came once more', script.has(1, place))
      script.end()
    },
    ackOnReceipt,
  )

  plays(
    'ZOOKEEPER-4685: an entry logged earlier than NEWLEADER is adopted is acknowledged behind it, and the leader stays',
    () => {
      const { script, teller, since } = late(4)
      const disk = script.holdDisk(1, 'append')
      script.start(1)
      script.until('NEWLEADER is heard', () => script.minutes.hears(1, 3, 'newLeader', since).length === 1)
      script.answered(teller.write())
      const place = script.lastOn(3)
      script.until('1 has a new entry in its hands', () => {
        return script.minutes.hears(1, 3, 'proposal', since).at(-1)?.message.proposal.zxid === place || disk.waiting
      })
      script.run(20)
      disk.release()
      script.until('1 acknowledges the entry', () => script.minutes.sends(1, 3, 'ack', since).length > 0)
      const [newLeader] = script.minutes.sends(1, 3, 'ackNewLeader', since)
      const [ack] = script.minutes.sends(1, 3, 'ack', since)
      const { sent } = script.minutes
      script.demand('Z18', 'in this order', newLeader !== undefined && sent.indexOf(newLeader) < sent.indexOf(ack!))
      script.serving(1)
      script.demand('L1', 'the leader stays', script.leader === 3 && script.ledger.leaderships.size === 1)
      script.end()
    },
    ackBeforeNewLeader,
  )

  plays(
    'ZOOKEEPER-4394: what is committed between it and UPTODATE comes as UPTODATE, not as a COMMIT that nobody expects',
    () => {
      const { script, teller, since } = late(4)
      script.start(1)
      script.until('1 has promised', () => script.minutes.sends(1, 3, 'ackEpoch', since).length === 1)
      const adopting = script.holdDisk(1, 'saveEpochs')
      script.until('NEWLEADER is being adopted', () => adopting.waiting)
      script.writes(teller, 3)
      const place = script.lastOn(3)
      script.reached('1 has the proposals', script.minutes.hears(1, 3, 'proposal', since).length >= 3)
      script.demand('Z16', 'it has no COMMIT', script.minutes.sends(3, 1, 'commit', since).length === 0)
      adopting.release()
      script.serving(1)
      const upToDate = script.minutes.hears(1, 3, 'upToDate', since)
      script.demand(
        'Z25',
        'UPTODATE has it',
        upToDate.length === 1 && upToDate[0]!.message.committed.counter >= place.counter,
      )
      script.soon('Z25', '1 applies all', () => script.status(1).applied.counter >= place.counter)
      script.end()
    },
    commitToAll,
  )

  plays(
    'ZOOKEEPER-4785: an entry that comes behind it counts for nothing until it is logged, though NEWLEADER is acknowledged',
    () => {
      const { script, teller, since } = late(4)
      script.start(1)
      script.until('1 has promised', () => script.minutes.sends(1, 3, 'ackEpoch', since).length === 1)
      const epochs = script.holdDisk(1, 'saveEpochs')
      script.until('NEWLEADER is being adopted', () => epochs.waiting)
      script.holdLink(3, 2, ['proposal'])
      const call = teller.write()
      script.until('1 has the entry in its hands', () => {
        return script.minutes
          .hears(1, 3, 'proposal', since)
          .some(
            each =>
              each.message.proposal.zxid.counter >
              script.minutes.hears(1, 3, 'newLeader', since)[0]!.message.zxid.counter,
          )
      })
      const place = script.lastOn(3)
      const log = script.holdDisk(1, 'append')
      epochs.release()
      script.until('NEWLEADER is acknowledged', () => script.minutes.sends(1, 3, 'ackNewLeader', since).length === 1)
      script.run(200)
      script.reached('the entry is not on the disk', log.waiting && !script.has(1, place))
      script.demand('Z17', 'it is not acknowledged', script.minutes.sends(1, 3, 'ack', since).length === 0)
      script.demand('Z15', 'it is not committed', !script.isCommitted(place))
      script.crash(1)
      script.releaseAll()
      script.answered(call)
      script.comeBack(1)
      script.demand('Z21', 'it is there', script.has(1, place))
      script.end()
    },
    mutant('a proposal counts as durable when it is handed to the disk'),
    mutant('an entry counts as acknowledged when NEWLEADER is'),
  )
})
