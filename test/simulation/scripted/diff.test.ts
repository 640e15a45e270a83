/** §3.1 and the published specification: a history that streams from the log, from memory, and goes on as broadcast, with nothing between. */
import { formatZxid, isAfter, sameZxid, type Zxid } from '../../../lib/model/zxid.js'
import { plansFromMemory, proposesWhileStreaming, refusesTwice } from './bugs.js'
import { late, withWrites } from './openings.js'
import { mutant, plays } from './played.js'
import { Script } from './script.js'

/** What a peer heard of the history over one link, in its order, has no gap. */
function heardInOrder(script: Script, to: number, from: number, since: number): boolean {
  const heard = script.minutes.heard.filter(each => each.to === to && each.from === from && each.event >= since)
  let end: Zxid | undefined
  return heard.every(({ message }) => {
    if (message.kind === 'diff') end = message.after
    if (message.kind !== 'proposal') return true
    const follows = end !== undefined && sameZxid(message.proposal.previous, end)
    end = message.proposal.zxid
    return follows
  })
}

describe('DIFF', () => {
  plays(
    'ZOOKEEPER-2418: what streams from the log and what is only in memory join without a gap',
    () => {
      const script = Script.begin(5, { checkpointEntries: 32 })
      const teller = script.client(5)
      script.crash(1)
      script.writes(teller, 50)
      // A leader that has just begun has in memory only what is behind its checkpoint.
      script.crash(2, 3, 4, 5)
      script.start(2, 3, 4, 5)
      script.reached('5 leads', script.led(2, 3, 4, 5) === 5)
      script.attach(teller, 5)
      const since = script.minutes.event
      script.start(1)
      script.until('1 is sent the log', () => script.minutes.asks(5, 'sendHistory', since).length > 0)
      // The stream goes as far as the log is durable: these it does not have.
      const disk = script.holdDisk(5, 'append')
      const calls = [1, 2, 3, 4].map(() => teller.write())
      script.until('1 has NEWLEADER', () => script.minutes.hears(1, 5, 'newLeader', since).length === 1)
      const [newLeader] = script.minutes.sends(5, 1, 'newLeader', since)
      const last = script.minutes.sends(5, 1, 'proposal', since).filter(each => each.event === newLeader!.event)
      script.reached('the rest comes out of memory', disk.waiting && last.length > 1)
      script.demand('Z14', 'there is no gap', heardInOrder(script, 1, 5, since))
      disk.release()
      for (const call of calls) script.answered(call)
      script.serving(1)
      script.end()
    },
    mutant('a DIFF leaves out its first entry'),
  )

  plays(
    'ZOOKEEPER-962, ZOOKEEPER-508: writes that are made meanwhile come behind the history, whether it is cut first or not',
    () => {
      const script = Script.begin(3)
      const first = script.client(3)
      script.writes(first, 3)
      script.writeAlone(first, 2)
      script.crash(3)
      script.until('2 leads', () => script.leader === 2)
      script.releaseAll()
      const teller = script.client(2)
      script.writes(teller, 3)
      const since = script.minutes.event
      // TRUNC is under way, then DIFF, then NEWLEADER: at each of these comes a write.
      const links = [script.holdLink(3, 2, ['ackEpoch']), script.holdLink(2, 3, ['truncate', 'diff', 'newLeader'])]
      script.start(3)
      for (let step = 0; step < 8; step++) {
        script.run(30)
        script.answered(teller.write())
        for (const link of links) {
          if (!link.waiting) continue
          link.release()
          const [from, to] = link === links[0] ? [3, 2] : [2, 3]
          if (step < 5)
            links[links.indexOf(link)] = script.holdLink(
              from!,
              to!,
              from === 3 ? ['ackEpoch', 'ackNewLeader'] : ['diff', 'newLeader'],
            )
        }
      }
      script.releaseAll()
      script.serving(3)
      const proposals = script.minutes.sends(2, 3, 'proposal', since)
      const newLeader = script.minutes.sends(2, 3, 'newLeader', since).at(-1)!
      script.reached('it was cut', script.minutes.hears(3, 2, 'truncate', since).length > 0)
      script.reached(
        'writes came before and behind NEWLEADER',
        proposals.some(each => each.event > newLeader.event),
      )
      script.demand('Z25', 'all in order', heardInOrder(script, 3, 2, since))
      script.end()
    },
    proposesWhileStreaming,
  )

  plays(
    'ZOOKEEPER-4925: who was given entries as it came leads later, and hands them on without a hole',
    () => {
      const { script, teller } = withWrites(2, { voters: 5 })
      script.crash(1, 4)
      script.writes(teller, 2)
      const since = script.minutes.event
      script.start(4)
      script.until('4 has promised', () => script.minutes.sends(4, 5, 'ackEpoch', since).length === 1)
      const adopting = script.holdDisk(4, 'saveEpochs')
      script.until('NEWLEADER is being adopted', () => adopting.waiting)
      script.writes(teller, 4)
      const place = script.lastOn(5)
      script.reached('they are committed while 4 is on its way', script.isCommitted(place) && !script.status(4).serving)
      adopting.release()
      script.serving(4)
      script.until('4 has them', () => script.has(4, place))
      script.crash(5)
      script.until('4 leads', () => script.leader === 4)
      const later = script.minutes.event
      script.comeBack(1)
      const sent = script.minutes.sends(4, 1, 'proposal', later).map(each => formatZxid(each.message.proposal.zxid))
      script.reached('they came out of memory', sent.includes(formatZxid(place)))
      script.demand('Z14', 'there is no hole', heardInOrder(script, 1, 4, later) && script.has(1, place))
      script.end()
    },
    mutant('a learner takes an entry that does not follow its last one'),
    mutant('a DIFF leaves out its first entry'),
  )

  plays(
    'ZOOKEEPER-3526: a leader whose memory holds nothing of the history orders no TRUNC of what is committed',
    () => {
      const { script, teller } = withWrites(4, { checkpointEntries: 8 })
      script.crash(1)
      script.writes(teller, 3)
      script.until('there is a checkpoint', () => isAfter(script.peer(3).disk.checkpointZxid, script.lastOn(1)))
      script.crash(3, 2)
      const since = script.minutes.event
      script.start(3, 1)
      script.reached('3 leads', script.led(1, 3) === 3)
      script.reached('it read its log for 1', script.minutes.asks(3, 'sendHistory', since).length === 1)
      script.demand('Z20', 'nothing is cut', script.minutes.sends(3, 1, 'truncate', since).length === 0)
      script.end()
    },
    plansFromMemory,
  )

  plays(
    'ZOOKEEPER-3500: nobody is served until the learner has all that was committed when it came',
    () => {
      const { script, teller, since } = late(20)
      const link = script.holdLink(3, 1, ['proposal'])
      script.start(1)
      script.until('the history is on its way', () => link.waiting)
      script.writes(teller, 5)
      const place = script.lastOn(3)
      script.run(300)
      script.demand('C14', 'it serves nobody', !script.status(1).serving)
      link.release()
      script.until('it serves', () => script.status(1).serving)
      const [upToDate] = script.minutes.hears(1, 3, 'upToDate', since)
      script.demand('C5', 'from what is committed', !isAfter(place, upToDate!.message.committed))
      script.demand('C14', 'with all of it applied', !isAfter(upToDate!.message.committed, script.status(1).applied))
      script.end()
    },
    mutant('UPTODATE carries an old commit point'),
  )
})

describe('between NEWLEADER and UPTODATE', () => {
  /** 1 comes back; its acknowledgement of NEWLEADER does not arrive. */
  function acknowledging() {
    const { script, teller, since } = late(3)
    const link = script.holdLink(1, 3, ['ackNewLeader'])
    script.start(1)
    script.until('1 has acknowledged NEWLEADER', () => link.waiting)
    return { script, teller, since, link }
  }

  plays(
    'Zab-spec-1: proposals reach the learner though the leader has not heard its acknowledgement yet',
    () => {
      const { script, teller, since, link } = acknowledging()
      script.writes(teller, 3)
      const place = script.lastOn(3)
      script.run(50)
      script.demand(
        'Z25',
        'it has them',
        script.minutes.hears(1, 3, 'proposal', since).some(each => sameZxid(each.message.proposal.zxid, place)),
      )
      link.release()
      script.serving(1)
      script.soon('Z25', 'and applies them', () => !isAfter(place, script.status(1).applied))
      script.end()
    },
    mutant('proposals go only to learners that serve'),
  )

  plays(
    'Zab-spec-2: a proposal that comes twice is logged once, and nobody minds',
    () => {
      const { script, teller, since, link } = acknowledging()
      script.writes(teller, 2)
      script.run(50)
      const again = script.minutes.heard.filter(
        each => each.to === 1 && each.from === 3 && each.event >= since && each.message.kind === 'proposal',
      )
      script.reached('some came by DIFF, some behind NEWLEADER', again.length === 5)
      const log = script.log(1).length
      const { life } = script.peer(1)
      for (const { message, link: over } of again) script.peer(1).receive({ kind: 'message', link: over, message })
      link.release()
      script.serving(1)
      for (const { message, link: over } of again) script.peer(1).receive({ kind: 'message', link: over, message })
      script.run(100)
      script.demand('Z7', 'each is there once', script.log(1).length === log && script.peer(1).life === life)
      script.demand('L6', 'it came once', script.minutes.sends(1, 3, 'learnerInfo', since).length === 1)
      script.end()
    },
    refusesTwice,
  )

  plays(
    'Zab-spec-3: UPTODATE has the commits of that moment, so that the next COMMIT skips none',
    () => {
      const { script, teller, since, link } = acknowledging()
      script.writes(teller, 3)
      const place = script.lastOn(3)
      script.reached('they are committed', script.isCommitted(place))
      script.demand('Z16', '1 has no COMMIT of them', script.minutes.sends(3, 1, 'commit', since).length === 0)
      link.release()
      script.until('1 serves', () => script.status(1).serving)
      const [upToDate] = script.minutes.hears(1, 3, 'upToDate', since)
      script.demand('Z25', 'UPTODATE has them', !isAfter(place, upToDate!.message.committed))
      script.writes(teller, 1)
      const next = script.lastOn(3)
      script.soon('Z16', '1 applies the next', () => sameZxid(script.status(1).applied, next))
      script.end()
    },
    mutant('UPTODATE carries an old commit point'),
  )
})
