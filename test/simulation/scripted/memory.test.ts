/** §3.1 and §3.5: memory is never ahead of the disk, whatever ends between the two. Peer 3 of three leads at first. */
import { isAfter, sameZxid, ZERO } from '../../../lib/model/zxid.js'
import { ownVoteAtOnce, skippedWhenLate } from './bugs.js'
import { withWrites } from './openings.js'
import { mutant, plays } from './played.js'
import { Script } from './script.js'

describe('what is on its way to the disk', () => {
  plays(
    'ZOOKEEPER-4712: a learner that has lost its leader does not vote before its log writer has come to rest',
    () => {
      const { script, teller } = withWrites(2)
      const disk = script.holdDisk(1, 'append')
      script.writes(teller, 3)
      const place = script.lastOn(3)
      script.until('1 has them in its hands', () => disk.waiting && sameZxid(script.status(1).logged, place))
      const since = script.minutes.event
      script.reset(3, 1)
      script.until('1 looks', () => script.status(1).role === 'looking')
      script.run(400)
      script.demand(
        'E6',
        'it says nothing yet',
        [2, 3].every(id => script.minutes.sends(1, id, 'notification', since).length === 0),
      )
      disk.release()
      script.until('it votes', () => script.minutes.sends(1, 3, 'notification', since).length > 0)
      const [vote] = script.minutes.sends(1, 3, 'notification', since)
      script.demand('E6', 'with what is on its disk', sameZxid(vote!.message.zxid, place) && script.has(1, place))
      script.serving(1)
      script.demand('Z22', 'the log is as it was', sameZxid(script.lastOn(1), place))
      script.end()
    },
    mutant('a peer votes while its log is still being written'),
  )

  plays(
    'ZOOKEEPER-3598: what is committed and not applied when a role ends is applied once, before anything else',
    () => {
      const { script, teller } = withWrites(2)
      const disk = script.holdDisk(1, 'append')
      script.writes(teller, 3)
      const place = script.lastOn(3)
      script.until('1 knows that they are committed', () => sameZxid(script.status(1).committed, place))
      script.demand('Z22', 'it applies nothing that it has not logged', isAfter(place, script.status(1).applied))
      script.reset(3, 1)
      script.until('1 looks', () => script.status(1).role === 'looking')
      script.writes(teller, 2)
      disk.release()
      script.serving(1)
      const last = script.lastOn(3)
      script.soon('Z26', 'all is applied', () => sameZxid(script.status(1).applied, last))
      script.end()
    },
    skippedWhenLate,
    mutant('what is committed is applied before it is durable here'),
  )

  plays(
    'ZOOKEEPER-790: a leader applies nothing before a quorum has confirmed it, and stands for election with what it has logged',
    () => {
      const { script, teller } = withWrites(2)
      const own = script.writeAlone(teller, 2)
      script.crash(1, 2, 3)
      script.releaseAll()
      const held = script.holdLink(1, 3, ['ackNewLeader'])
      script.start(3, 1)
      script.until('3 leads, and nobody confirms it', () => held.waiting)
      script.reached('it leads', script.status(3).role === 'leading' && sameZxid(script.status(3).logged, own))
      script.demand('Z22', 'it applies nothing', sameZxid(script.status(3).applied, ZERO) && !script.isCommitted(own))
      script.demand('Z2', 'and serves nobody', !script.status(3).serving)
      const since = script.minutes.event
      script.until('it gives up', () => script.status(3).role !== 'leading')
      held.release()
      script.until('it votes', () => script.minutes.sends(3, 1, 'notification', since).length > 0)
      const vote = script.minutes.sends(3, 1, 'notification', since).at(-1)!.message
      script.demand('E6', 'with what is on its disk', sameZxid(vote.zxid, own))
      script.serving(1, 3)
      script.demand('Z13', 'who has most leads', script.leader === 3 && script.isCommitted(own))
      script.end()
    },
    mutant('a leader serves as soon as it is elected'),
  )

  plays(
    'etcd-14370: one member alone answers nobody before its own disk has the write',
    () => {
      const { script, teller } = withWrites(2, { voters: 1 })
      const disk = script.holdDisk(1, 'append')
      const call = teller.write()
      script.until('the write is in its hands', () => disk.waiting)
      script.run(500)
      script.demand('Z15', 'nobody is answered', call.outcome === undefined && script.status(1).applied.counter === 3)
      script.crash(1)
      script.run(50)
      script.demand('C6', 'nobody was told', call.outcome?.kind === 'lost')
      disk.release()
      script.comeBack(1)
      script.demand('C6', 'and it is not there', script.ledger.ref.zxid.counter < 5)
      script.end()
    },
    ownVoteAtOnce,
  )

  for (const keeps of [0, 1, 2])
    plays(
      `etcd-13766, etcd-14685, etcd-17780: a crash during a checkpoint, with ${keeps} of its writes done, gives the state of one moment`,
      () => {
        const script = Script.begin(3, { checkpointEntries: 12, entriesKept: 0 })
        const teller = script.client(3)
        const disk = script.holdDisk(2, 'checkpoint')
        for (let times = 0; times < 15; times++) script.answered(teller.write())
        script.reached('a checkpoint is under way', disk.waiting)
        const before = script.peer(2).disk.checkpointZxid
        const { base } = script.peer(2).disk
        script.cutPower(2, keeps)
        const { checkpointZxid } = script.peer(2).disk
        script.reached(
          'it is where it is said',
          isAfter(checkpointZxid, before) === keeps > 0 && isAfter(script.peer(2).disk.base, base) === keeps > 1,
        )
        disk.release()
        script.start(2)
        script.demand('Z27', 'it begins with that state', sameZxid(script.status(2).applied, checkpointZxid))
        script.serving(2)
        script.writes(teller, 2)
        script.end()
      },
      ...(keeps === 0
        ? []
        : [
            mutant('a checkpoint says that it is of the txn before'),
            mutant('a checkpoint counts before all of it is there'),
          ]),
    )
})
