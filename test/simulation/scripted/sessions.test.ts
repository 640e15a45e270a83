/** §3.4: sessions that end while something of theirs is under way, and the ephemerals that go with them. Peer 3 of three leads at first. */
import { Ephemerals } from '../../../lib/core/tree/ephemerals.js'
import type { SessionId } from '../../../lib/model/ids.js'
import { changeEffects, replaceMethod } from '../mutants/mutant.js'
import { answerOf, Guest } from './guest.js'
import { type Bug, mutant, plays } from './played.js'
import { Script } from './script.js'

/** Peers on which that znode is now. */
function where(script: Script, path: string): number[] {
  return script.world.livePeers.filter(({ core }) => core!.replica.tree.has(path)).map(({ id }) => id)
}
function livesOn(script: Script, session: SessionId): number[] {
  return script.world.livePeers.filter(({ core }) => core!.replica.sessions.has(session)).map(({ id }) => id)
}

/** Ephemerals stay where their session has been closed. */
const ephemeralsStay: Bug = {
  name: 'a session that is closed leaves its ephemerals',
  rows: ['S4'],
  plant: () => replaceMethod(Ephemerals.prototype, 'of', () => () => new Set<string>()),
}

describe('sessions', () => {
  for (const [how, entriesKept] of [
    ['its log', 1_000_000],
    ['a snapshot', 0],
  ] as const)
    plays(
      `ZOOKEEPER-2355: a follower that fails while it hears of a closed session has it closed when it is given ${how}`,
      () => {
        const script = Script.begin(3, { checkpointEntries: entriesKept === 0 ? 8 : 1_000_000, entriesKept })
        const guest = new Guest(script, 2)
        const { session } = guest
        script.answered(guest.create('/mine'))
        script.all('all have the ephemeral', ({ core }) => core!.replica.tree.has('/mine'))
        const held = script.holdLink(3, 1, ['proposal'])
        guest.close()
        script.until('the close is under way to 1', () => held.waiting)
        script.crash(1)
        held.release()
        script.reached('the others have closed it', where(script, '/mine').length === 0)
        const teller = script.client(2)
        script.writes(teller, 12)
        const since = script.minutes.event
        script.comeBack(1)
        const installs = script.minutes.changes(1, 'install', since).length
        script.reached(`it was given ${how}`, installs === (entriesKept === 0 ? 1 : 0))
        script.demand('S5', 'the ephemeral is nowhere', where(script, '/mine').length === 0)
        script.demand('S4', 'nor is its session', livesOn(script, session).length === 0)
        script.restart(1)
        script.demand('S5', 'nor does it come back with a restart', where(script, '/mine').length === 0)
        script.end()
      },
      ephemeralsStay,
    )

  plays(
    'ZOOKEEPER-1208: an ephemeral created behind the close of its session is refused, and leaves no orphan',
    () => {
      const script = Script.begin(3)
      const guest = new Guest(script, 1)
      script.answered(guest.create('/before'))
      // Nothing is committed meanwhile: the leader decides over what is under way.
      const held = [1, 2].map(id => script.holdLink(id, 3, ['ack']))
      const closing = guest.ask({ kind: 'closeSession' })
      const late = guest.create('/late')
      script.until(
        'the close is proposed',
        () => script.minutes.sends(3, 2, 'proposal').at(-1)?.message.proposal.txn.kind !== 'create',
      )
      script.run(50)
      script.reached('neither is answered', answerOf(closing) === 'none' && answerOf(late) === 'none')
      for (const each of held) each.release()
      script.until('both have come to an end', () => closing.outcome !== undefined && late.outcome !== undefined)
      script.demand('S4', `the close is done, the create is not: ${answerOf(late)}`, answerOf(late) !== 'created')
      script.all('1 and 2 hear of it', ({ core }) => !core!.replica.sessions.has(closing.session))
      script.demand('S4', 'no orphan', [...where(script, '/late'), ...where(script, '/before')].length === 0)
      guest.leave()
      script.end()
    },
    mutant('a create behind the close of its session is taken', 'C16', 'S4'),
    ephemeralsStay,
  )

  plays(
    'ZOOKEEPER-1496: an ephemeral whose creation reaches the leader behind the end of its session leaves no orphan',
    () => {
      const script = Script.begin(3)
      const guest = new Guest(script, 1, { timeoutMs: 400 })
      const { session } = guest
      const held = script.holdLink(1, 3, ['request'])
      const call = guest.create('/late')
      guest.silent = true
      // The link hears nothing of 1, for less time than it takes to be given up.
      script.until('the leader has ended the session', () => !script.peer(3).core!.replica.sessions.has(session), 900)
      script.reached('the creation is under way', held.waiting && answerOf(call) === 'none')
      script.reached('1 is still a follower', script.status(1).role === 'following')
      held.release()
      script.until('it comes to its end', () => call.outcome !== undefined)
      script.demand('S4', `it is refused: ${answerOf(call)}`, answerOf(call) !== 'created')
      script.run(500)
      script.demand('S4', 'no orphan', where(script, '/late').length === 0)
      guest.leave()
      script.end()
    },
    mutant('a create behind the close of its session is taken', 'C16', 'S4'),
  )

  plays(
    'ZOOKEEPER-1367: after a restart of the whole ensemble ephemerals are there exactly while their session lives',
    () => {
      const script = Script.begin(3, { checkpointEntries: 6, entriesKept: 2 })
      const [closed, gone, back] = [new Guest(script, 1), new Guest(script, 2), new Guest(script, 2)]
      for (const [guest, path] of [
        [closed, '/closed'],
        [gone, '/gone'],
        [back, '/back'],
      ] as const)
        script.answered(guest.create(path))
      closed.close()
      script.writes(script.client(3), 8)
      gone.leave()
      script.crash(1, 2, 3)
      script.start(1, 2, 3)
      script.led(1, 2, 3)
      script.demand('S5', 'who had closed has nothing', where(script, '/closed').length === 0)
      script.demand(
        'S5',
        'the others have theirs',
        where(script, '/gone').length === 3 && where(script, '/back').length === 3,
      )
      back.attach(1)
      // The new leader gives each its whole timeout, and hears of one of them only.
      script.soon(
        'S3',
        'who does not come back ends in time',
        () => where(script, '/gone').length === 0,
        4000 + 200 + 1000,
      )
      script.run(4000)
      script.demand('S2', 'who came back keeps his', where(script, '/back').length === 3)
      back.close()
      script.demand('S4', 'until he closes', script.peer(script.leader!).core!.replica.tree.has('/back') === false)
      script.end()
    },
    mutant('sessions never expire'),
    ephemeralsStay,
    mutant('hearing of a session does not prolong it'),
  )

  plays(
    'ZOOKEEPER-1049: a flood of closing sessions expires no healthy one, and nobody is given up for it (S2, L4)',
    () => {
      const script = Script.begin(3)
      const healthy = [1, 2, 3].map(id => new Guest(script, id, { timeoutMs: 600 }))
      for (const [index, guest] of healthy.entries()) script.answered(guest.create(`/healthy-${index}`))
      const crowd = Array.from({ length: 60 }, (_, n) => new Guest(script, 1 + (n % 3)))
      for (const guest of crowd) {
        guest.silent = true
        for (let n = 0; n < 5; n++) guest.create(`/${guest.client.name}-${n}`)
      }
      script.until('they have their znodes', () => crowd.every(each => each.client.outstanding.length === 0))
      for (const { disk } of script.world.peers.values()) script.reached('its disk is idle', disk.idle)
      const began = script.world.now
      const elections = script.ledger.leaderships.size
      for (const peer of script.world.peers.values()) peer.diskSlowness = 250
      // Each waits for the one before: a log of them that takes seconds.
      for (const guest of crowd) {
        guest.ask({ kind: 'closeSession' })
        script.run(25)
      }
      script.reached(
        'the disks are behind',
        [1, 2, 3].some(id => !script.peer(id).disk.idle),
      )
      script.until('all are closed', () =>
        crowd.every(each => livesOn(script, each.client.session?.id ?? ('' as SessionId)).length === 0),
      )
      for (const peer of script.world.peers.values()) peer.diskSlowness = 1
      script.reached('it took longer than a session may be silent', script.world.now - began > 1200)
      for (const [index, guest] of healthy.entries()) {
        script.demand('S2', `guest ${index} is attached`, guest.client.attached)
        script.demand('S2', 'with its ephemeral', where(script, `/healthy-${index}`).length === 3)
      }
      script.demand('L6', 'nobody else leads', script.ledger.leaderships.size === elections)
      for (const guest of crowd) guest.leave()
      for (const guest of healthy) guest.close()
      script.end()
    },
    mutant('hearing of a session does not prolong it'),
    {
      name: 'a heartbeat is answered when the disk has done what came before',
      rows: ['L6', 'S2', 'L1'],
      plant: () => {
        const writing = new WeakMap<object, number>()
        return changeEffects((effects, input, core) => {
          const before = writing.get(core) ?? 0
          const begun = effects.filter(({ kind }) => kind === 'append').length
          writing.set(core, input.kind === 'logged' ? begun : before + begun)
          return before === 0 ? effects : effects.filter(each => each.kind !== 'send' || each.message.kind !== 'pong')
        })
      },
    },
  )
})
