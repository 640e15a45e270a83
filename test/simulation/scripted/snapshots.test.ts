/** §3.3, and §3.5 of etcd's compaction: checkpoints and snapshots that are cut short, lost, or of the moment when something happens. Peer 3 of three leads. */
import { OPEN_ACL_UNSAFE } from '../../../lib/model/acl.js'
import { PERSISTENT } from '../../../lib/model/create-mode.js'
import { ANY_VERSION } from '../../../lib/model/request.js'
import { isAfter, sameZxid, ZERO } from '../../../lib/model/zxid.js'
import { Guest } from './guest.js'
import { farBehind, withWrites } from './openings.js'
import { mutant, plays } from './played.js'
import { Script } from './script.js'
import { laterSessions, midMulti, treeTakenForEmpty } from './snapshot-bugs.js'
import type { Teller } from './teller.js'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Writes until peer 1 would write a checkpoint, which waits. */
function untilCheckpoint(script: Script, teller: Teller) {
  const held = script.holdDisk(1, 'checkpoint')
  for (let count = 0; count < 50 && !held.waiting; count++) script.writes(teller, 1)
  script.reached('a checkpoint is being written', held.waiting)
  return held
}

describe('checkpoints and snapshots', () => {
  plays(
    'ZOOKEEPER-2325, ZOOKEEPER-3056, ZOOKEEPER-3644, ZOOKEEPER-3781: a log whose tree is missing is no history: refused alone, repaired by the others',
    () => {
      const alone = Script.begin(1, { checkpointEntries: 10, entriesKept: 2 })
      const only = alone.client(1)
      alone.writes(only, 15)
      alone.crash(1)
      const { disk } = alone.peer(1)
      alone.reached('there is a checkpoint, and a log behind it', isAfter(disk.base, ZERO) && disk.entries.length > 0)
      disk.store.flaws.missing.add('tree')
      for (let attempt = 1; attempt <= 2; attempt++) {
        alone.start(1)
        alone.demand('D8', `it is refused: ${alone.peer(1).refusedBy}`, alone.peer(1).refusedBy === 'DATA_CORRUPT')
      }
      disk.store.flaws.missing.delete('tree')
      alone.comeBack(1)
      alone.end()

      const { script } = withWrites(15, { at: 2, checkpointEntries: 10, entriesKept: 2 })
      script.crash(1)
      script.peer(1).disk.store.flaws.missing.add('tree')
      const since = script.minutes.event
      script.start(1)
      script.demand('D8', 'it is known to be damaged', script.peer(1).disk.lost !== undefined)
      script.demand('D8', 'and nothing of its log is applied', sameZxid(script.status(1).applied, ZERO))
      script.serving(1)
      script.demand('D3', 'it is whole again, by the others', script.peer(1).disk.lost === undefined)
      script.reached('it was given everything anew', script.minutes.changes(1, 'repaired', since).length === 1)
      script.end()
    },
    treeTakenForEmpty,
  )

  plays(
    'ZOOKEEPER-2872, ZOOKEEPER-3231: a checkpoint counts when it is whole; nothing it needs is let go before that',
    () => {
      for (const keeps of [0, 1, 2]) {
        const { script, teller } = withWrites(12, { checkpointEntries: 10, entriesKept: 0 })
        script.until('there is a first one', () => script.peer(1).disk.checkpointZxid.counter > 0)
        const { disk } = script.peer(1)
        const [first, base] = [disk.checkpointZxid, disk.base]
        const held = untilCheckpoint(script, teller)
        script.writes(teller, 2)
        const last = script.lastOn(1)
        script.cutPower(1, keeps)
        held.release()
        script.demand(
          'D6',
          'the old one counts, or the new one',
          sameZxid(disk.checkpointZxid, first) === (keeps === 0),
        )
        script.demand('D6', 'the log is as long as it must be', sameZxid(disk.base, base) === keeps < 2)
        script.demand('D6', 'and is whole', sameZxid(disk.last, last))
        const since = script.minutes.event
        script.comeBack(1)
        script.demand('D6', 'it needed no snapshot', script.minutes.changes(1, 'install', since).length === 0)
        script.end()
      }
    },
    mutant('a checkpoint counts before all of it is there'),
    mutant('history is let go of ahead of the checkpoint'),
  )

  plays(
    'ZOOKEEPER-2872: a snapshot that is being received counts when it is whole; until then what was there does',
    () => {
      for (const keeps of [0, 1, 2]) {
        const { script } = farBehind()
        const { disk } = script.peer(1)
        const [checkpoint, last] = [disk.checkpointZxid, disk.last]
        const held = script.holdDisk(1, 'installSnapshot')
        script.start(1)
        script.until('it is being put in place', () => held.waiting)
        script.run(50)
        script.cutPower(1, keeps)
        held.release()
        const isOld = sameZxid(disk.checkpointZxid, checkpoint) && sameZxid(disk.last, last)
        const isNew = isAfter(disk.checkpointZxid, last) && sameZxid(disk.base, disk.checkpointZxid)
        script.demand('D6', 'all of it is old, or all of it is new', keeps === 0 ? isOld : isNew)
        script.comeBack(1)
        script.end()
      }
    },
    mutant('a snapshot is switched to, and the log stays as it was', 'Z30', 'D6'),
  )

  plays(
    'ZOOKEEPER-3127: a checkpoint has all of a multi or nothing of it, whenever it is due',
    () => {
      for (let due = 4; due <= 10; due++) {
        const script = Script.begin(3, { checkpointEntries: due, entriesKept: 0 })
        const guest = new Guest(script, 2)
        const pathsOf = (n: number): string[] => ['', '/a', '/b', '/b/c'].map(rest => `/multi-${n}${rest}`)
        const calls = Array.from({ length: 9 }, (_, n) =>
          guest.ask({
            kind: 'multi',
            steps: pathsOf(n).map(path => ({
              kind: 'create',
              path,
              data: bytes(path),
              acl: OPEN_ACL_UNSAFE,
              mode: PERSISTENT,
            })),
          }),
        )
        const { disk } = script.peer(1)
        script.until('there is a checkpoint', () => disk.checkpointZxid.counter > 0)
        script.crash(1)
        const { nodes } = disk.store.content.checkpoint
        for (let n = 0; n < calls.length; n++) {
          const found = pathsOf(n).filter(path => nodes.has(path)).length
          script.demand('C9', `multi ${n}: ${found} of 4 znodes`, found === 0 || found === 4)
        }
        for (const call of calls) script.answered(call)
        script.comeBack(1)
        script.all('all have all of it', ({ core }) => pathsOf(8).every(path => core!.replica.tree.has(path)))
        guest.close()
        script.end()
      }
    },
    midMulti,
    mutant('a checkpoint misses a change'),
  )

  plays(
    'ZOOKEEPER-3125, ZOOKEEPER-3249, ZOOKEEPER-3145: what follows a checkpoint is replayed to the same counters, and no watch misses it',
    () => {
      const script = Script.begin(3, { checkpointEntries: 12, entriesKept: 0 })
      const teller = script.client(3)
      const [watcher, owner] = [new Guest(script, 1), new Guest(script, 2)]
      for (const path of ['/p', '/p/kept', '/p/deleted']) script.answered(teller.write(path))
      script.answered(owner.create('/p/mine'))
      const held = untilCheckpoint(script, teller)
      watcher.did({ kind: 'getChildren', path: '/p', watch: true })
      // All of this is behind what was captured, and on the disk before it is.
      script.answered(teller.write('/p/created'))
      script.answered(teller.call({ kind: 'delete', path: '/p/deleted', version: ANY_VERSION }))
      script.answered(teller.call({ kind: 'delete', path: '/p/created', version: ANY_VERSION }))
      owner.close()
      const { disk } = script.peer(1)
      script.until('1 has logged it', () => sameZxid(disk.last, script.lastOn(3)))
      watcher.client.disconnect()
      script.cutPower(1, 1)
      held.release()
      script.reached('the checkpoint is there, and the log of before it', isAfter(disk.checkpointZxid, disk.base))
      script.reached('with the znode that was deleted', disk.store.content.checkpoint.nodes.has('/p/deleted'))
      script.comeBack(1)
      const [here, there] = [1, 3].map(id => script.peer(id).core!.replica.tree.stat('/p')!)
      script.demand('Z27', 'pzxid, cversion', JSON.stringify(here) === JSON.stringify(there))
      script.demand('Z27', 'children', here!.numChildren === 1 && here!.cversion === 7)
      watcher.events.length = 0
      watcher.attach(1)
      script.until('its watches are set again', () => watcher.client.outstanding.length === 0)
      watcher.close()
      script.end()
    },
    mutant('a checkpoint says that it is of the txn before'),
  )

  plays(
    'ZOOKEEPER-3144: sessions and ephemerals of a checkpoint are of its zxid, also when they change while it is written',
    () => {
      const script = Script.begin(3, { checkpointEntries: 10, entriesKept: 0 })
      const teller = script.client(3)
      const closing = new Guest(script, 2)
      script.answered(closing.create('/closing'))
      const held = untilCheckpoint(script, teller)
      const { session } = closing
      closing.close()
      const opening = new Guest(script, 2)
      script.answered(opening.create('/opening'))
      const { disk } = script.peer(1)
      script.until('1 has logged it', () => sameZxid(disk.last, script.lastOn(3)))
      script.cutPower(1, 1)
      held.release()
      const { nodes, sessions } = disk.store.content.checkpoint
      script.reached('the checkpoint is there, and the log of before it', isAfter(disk.checkpointZxid, disk.base))
      script.demand('Z27', 'it has who closed since', nodes.has('/closing') && sessions.has(session))
      script.demand('Z27', 'and not who came since', !nodes.has('/opening') && !sessions.has(opening.session))
      script.comeBack(1)
      const { replica } = script.peer(1).core!
      script.demand('S5', 'who closed has nothing', !replica.sessions.has(session) && !replica.tree.has('/closing'))
      script.demand('S5', 'who came is there', replica.sessions.has(opening.session) && replica.tree.has('/opening'))
      opening.close()
      script.end()
    },
    laterSessions,
  )

  plays(
    'etcd-14685, etcd-17780: when all crash under load while history is let go, data and applied zxid are of one moment',
    () => {
      for (const keeps of [
        [0, 1, 2],
        [1, 1, 1],
        [2, 2, 2],
        [0, 0, 0],
      ]) {
        const { script, teller } = withWrites(6, { checkpointEntries: 8, entriesKept: 0 })
        const held = [1, 2, 3].map(id => script.holdDisk(id, 'checkpoint'))
        const calls = Array.from({ length: 40 }, () => teller.write())
        script.until('all write checkpoints', () => held.every(({ waiting }) => waiting))
        script.run(1)
        for (const [index, count] of keeps.entries()) script.cutPower(index + 1, count)
        const done = calls.filter(({ outcome }) => outcome?.kind === 'answered').map(call => script.placeOf(call))
        script.releaseAll()
        script.start(1, 2, 3)
        script.led(1, 2, 3)
        for (const place of done)
          for (const id of [1, 2, 3]) script.soon('C6', 'what was answered is there', () => script.has(id, place))
        script.demand('D6', 'nobody was given a snapshot', script.minutes.changes(1, 'install').length === 0)
        script.end()
      }
    },
    mutant('a checkpoint says that it is of the txn before'),
    mutant('a checkpoint counts before all of it is there'),
    mutant('history is let go of ahead of the checkpoint'),
  )
})
