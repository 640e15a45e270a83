/** §3.1 and §3.2: a learner that needs the whole tree. Peer 3 of three leads at first, and keeps no history behind its checkpoints. */
import { droppedAtInitLimit, electedAgain, installedInMemory } from './bugs.js'
import { farBehind } from './openings.js'
import { mutant, plays } from './played.js'

describe('SNAP', () => {
  plays(
    'ZOOKEEPER-3642: when the leader dies between SNAP and NEWLEADER the snapshot is on the disk, and DIFF goes on from there',
    () => {
      const { script, since } = farBehind()
      const link = script.holdLink(3, 1, ['newLeader'])
      script.start(1)
      script.until('1 has the snapshot, and NEWLEADER is on its way', () => link.waiting)
      script.until('it is installed', () => script.minutes.changes(1, 'install', since).length === 1)
      script.crash(3)
      script.until('2 leads', () => script.leader === 2)
      script.serving(1, 2)
      script.reached('it came by DIFF', script.minutes.hears(1, 2, 'diff', since).length === 1)
      script.writes(script.client(2), 2)
      const place = script.lastOn(2)
      script.until('1 has it', () => script.has(1, place))
      script.restart(1)
      script.demand('Z27', 'a restart gives the same', script.has(1, place))
      script.end()
    },
    installedInMemory,
  )

  plays(
    'ZOOKEEPER-3642: when the leader dies while it sends the snapshot, nothing of it stays',
    () => {
      const { script, since } = farBehind()
      const before = script.lastOn(1)
      const link = script.holdLink(3, 1, ['snapshotImage'])
      script.start(1)
      script.until('the snapshot is on its way', () => link.waiting)
      script.crash(3)
      script.until('1 gives it up', () => script.status(1).role === 'looking')
      script.demand('D6', 'its disk is as it was', script.lastOn(1) === before)
      script.until('2 leads', () => script.leader === 2)
      script.serving(1, 2)
      script.reached('it came once more', script.minutes.changes(1, 'install', since).length === 1)
      script.end()
    },
    mutant('a snapshot that was broken off has replaced the log', 'Z7', 'Z8', 'Z19', 'E6', 'Z23'),
  )

  plays(
    'ZOOKEEPER-2678: a snapshot that takes far longer than initLimit disturbs nobody, and is finished',
    () => {
      const { script, teller, since } = farBehind()
      const disk = script.holdDisk(1, 'installSnapshot')
      script.start(1)
      script.until('it is being installed', () => disk.waiting)
      const { tickMs, initLimitTicks } = script.world.protocol
      for (let times = 0; times < 10; times++) {
        script.run((initLimitTicks * tickMs) / 2)
        const call = teller.write()
        script.soon('L4', 'the others commit', () => call.outcome?.kind === 'answered', 100)
      }
      disk.release()
      script.soon('L1', '1 serves', () => script.status(1).serving, 1000)
      script.demand('L1', 'it came once', script.minutes.asks(3, 'sendSnapshot', since).length === 1)
      script.demand('L4', 'under the same leader', script.ledger.leaderships.size === 1)
      script.end()
    },
    droppedAtInitLimit,
  )

  plays(
    'ZOOKEEPER-2678: nor is there one election after the other when the leader needs for its quorum who takes so long',
    () => {
      const { script, since } = farBehind()
      script.crash(2, 3)
      const { tickMs, initLimitTicks } = script.world.protocol
      // From its beginning to the tree, and from there to the log behind it.
      script.world.streamDelayMs = () => 3 * initLimitTicks * tickMs
      script.start(1, 3)
      script.soon('L1', '3 leads', () => script.leader === 3 && script.status(1).serving)
      script.reached('by SNAP', script.minutes.changes(1, 'install', since).length === 1)
      script.demand('L1', 'after one election', script.minutes.asks(3, 'sendSnapshot', since).length === 1)
      script.end()
    },
    electedAgain,
  )
})
