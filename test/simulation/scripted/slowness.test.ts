/** §3.2 and §3.5: one that is slow, stuck or was stopped, and the others. Peer 3 of three leads at first. */
import { waitsForStreams } from './election-bugs.js'
import { withWrites } from './openings.js'
import { mutant, plays } from './played.js'
import { Script } from './script.js'

describe('one that is stuck', () => {
  for (const what of [
    'a learner that takes nothing',
    'a checkpoint that does not end',
    'a log that is slow to read',
  ] as const)
    plays(
      `ZOOKEEPER-2201, ZOOKEEPER-3531: ${what} stops neither heartbeats nor commits of the others`,
      () => {
        const { script, teller } = withWrites(2, { checkpointEntries: 8, entriesKept: 1000 })
        script.crash(1)
        const checkpoint = what === 'a checkpoint that does not end' ? script.holdDisk(3, 'checkpoint') : undefined
        script.writes(teller, 20)
        if (what === 'a log that is slow to read') {
          // A leader that has just begun must read it.
          script.crash(2, 3)
          script.start(2, 3)
          script.led(2, 3)
          script.attach(teller, 3)
          script.world.streamDelayMs = () => 5000
        }
        const link = script.holdLink(3, 1, ['diff', 'proposal'])
        const elected = script.ledger.leaderships.size
        const since = script.minutes.event
        script.start(1)
        const { tickMs, syncLimitTicks } = script.world.protocol
        for (let times = 0; times < 20; times++) {
          script.run((syncLimitTicks * tickMs) / 4)
          const call = teller.write()
          script.soon('L4', 'a write is answered', () => call.outcome?.kind === 'answered', 100)
        }
        if (what === 'a log that is slow to read')
          script.reached('it reads', script.minutes.asks(3, 'sendHistory', since).length > 0)
        else script.reached('it is stuck', link.waiting && (checkpoint?.waiting ?? true))
        const pings = script.minutes.sends(3, 2, 'ping', since).length
        script.demand('L4', 'heartbeats go on', pings >= (2 * 20 * syncLimitTicks) / 4 - 2)
        script.demand('L6', 'nobody was elected', script.ledger.leaderships.size === elected)
        script.end()
      },
      waitsForStreams,
    )
})

describe('a leader that was stopped', () => {
  plays(
    'etcd-20418: gives no old answer when it goes on, though it believes that it leads',
    () => {
      const script = Script.begin(3)
      const [one, another] = [script.client(3), script.client(3)]
      script.writes(one, 2)
      const other = script.client(2)
      script.peer(3).pause()
      script.until('2 leads', () => script.leader === 2)
      script.serving(1, 2)
      script.answered(other.write('/new'))
      // These wait for 3 to go on: a read, and one behind a sync.
      const calls = [
        another.call({ kind: 'exists', path: '/new', watch: false }),
        one.call({ kind: 'sync', path: '/' }),
        one.call({ kind: 'exists', path: '/new', watch: false }),
      ]
      script.run(20)
      script.reached('3 believes that it leads', script.status(3).role === 'leading' && script.status(3).serving)
      script.peer(3).resume()
      script.run(5)
      script.demand('Z24', '3 leads no more', script.status(3).role !== 'leading')
      script.soon('L2', 'each comes to its end', () => calls.every(call => call.outcome !== undefined), 2000)
      // What was not lost waited for the new leader.
      const old = calls.filter(({ outcome }) => outcome?.kind === 'answered' && outcome.response.kind === 'error')
      script.demand('C14', 'no old answer', old.length === 0)
      script.serving(1, 2, 3)
      script.end()
    },
    mutant('a leader does not notice that its quorum has left'),
  )
})
