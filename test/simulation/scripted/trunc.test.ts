/** §3.1: a log that ends in what only a deposed leader had is cut, exactly, on the disk as in memory. Peer 3 of three leads at first, then 2. */
import { appendedBehind, cutForgotten } from './bugs.js'
import { withWrites } from './openings.js'
import { mutant, plays } from './played.js'
import type { Script } from './script.js'

/** 3 is away with two writes that nobody else has, while 2 leads on; where its log and theirs part. */
function deposed(leave: (script: Script) => void) {
  const { script, teller } = withWrites(3)
  script.allHaveAll()
  const common = script.lastOn(3)
  const own = script.writeAlone(teller, 2)
  leave(script)
  script.until('2 leads', () => script.leader === 2)
  script.serving(1, 2)
  // What 3 had sent went with its links.
  script.releaseAll()
  return { script, common, own }
}
const crashed = (script: Script): void => script.crash(3)
const cutOff = (script: Script): void => script.cut(3, 1, 2)

/** On the disk. */
function same(script: Script): boolean {
  const log = (id: number): string => JSON.stringify(script.log(id).map(({ zxid, previous }) => [zxid, previous]))
  return log(3) === log(2)
}

describe('TRUNC', () => {
  plays(
    'ZOOKEEPER-2845: who was leader and never went down comes back without the write that was not committed, in memory and on the disk',
    () => {
      const { script, common, own } = deposed(cutOff)
      script.writes(script.client(2), 1)
      const { life } = script.peer(3)
      script.until('3 looks, with its own write', () => script.status(3).role === 'looking' && script.has(3, own))
      script.mend(3, 1, 2)
      script.serving(3)
      const [truncate] = script.minutes.hears(3, 2, 'truncate')
      script.reached('its log was cut, and it never went down', truncate !== undefined && script.peer(3).life === life)
      script.demand('Z19', 'where the two part', truncate!.message.after.counter === common.counter && same(script))
      script.restart(3)
      script.demand('Z22', 'a restart gives the same', same(script))
      script.end()
    },
    mutant('a log is cut in memory only'),
  )

  for (const where of ['before it is done', 'when it is done'] as const)
    plays(
      `ZOOKEEPER-5094: a synchronisation that is broken off behind TRUNC, ${where}, leaves no gap`,
      () => {
        const { script, own } = deposed(crashed)
        const teller = script.client(2)
        script.writes(teller, 2)
        const since = script.minutes.event
        const disk = script.holdDisk(3, 'truncate')
        const link = script.holdLink(2, 3, ['diff'])
        script.start(3)
        script.until('3 is to cut its log', () => disk.waiting)
        if (where === 'when it is done') {
          disk.release()
          script.until('DIFF is on its way', () => link.waiting)
        }
        script.reached('where it is said', script.has(3, own) === (where === 'before it is done'))
        script.reset(2, 3)
        script.writes(teller, 2)
        disk.release()
        link.release()
        script.serving(3)
        script.reached('it came again', script.minutes.hears(3, 2, 'newLeader', since).length === 1)
        script.demand('Z14', 'there is no gap', same(script))
        script.restart(3)
        script.end()
      },
      cutForgotten,
    )

  plays(
    'ZOOKEEPER-1154, ZOOKEEPER-1156: who has the longest log and missed the election loses what only it has, no more and no less',
    () => {
      const { script, common, own } = deposed(crashed)
      script.writes(script.client(2), 1)
      script.comeBack(3)
      script.reached('its log was cut', script.minutes.hears(3, 2, 'truncate').length === 1)
      script.demand('Z20', 'not too much', script.has(3, common))
      script.demand('Z19', 'not too little', !script.has(3, own) && same(script))
      script.end()
    },
    mutant('a log is cut one entry too early'),
    mutant('a log is cut one entry too late'),
  )

  plays(
    'ZOOKEEPER-1489: what is logged behind TRUNC is there at the next start',
    () => {
      const { script } = deposed(crashed)
      const teller = script.client(2)
      script.comeBack(3)
      script.reached('its log was cut', script.minutes.hears(3, 2, 'truncate').length === 1)
      script.writes(teller, 3)
      const place = script.lastOn(2)
      script.until('3 has them', () => script.has(3, place))
      script.crash(1, 2, 3)
      script.start(3)
      script.demand('Z14', 'it begins with what it wrote', script.has(3, place) && same(script))
      script.start(1)
      script.demand('Z21', 'and leads with it', script.led(1, 3) === 3 && script.has(1, place))
      script.end()
    },
    appendedBehind,
  )

  plays(
    'ZOOKEEPER-3701: when the disk is full at TRUNC the peer stops, and is brought in line when there is room again',
    () => {
      const { script, own } = deposed(crashed)
      script.writes(script.client(2), 1)
      const { disk } = script.peer(3)
      const held = script.holdDisk(3, 'truncate')
      script.start(3)
      script.until('3 is to cut its log', () => held.waiting)
      disk.full = true
      held.release()
      script.demand('D2', 'it stops', !script.peer(3).isUp && script.peer(3).stoppedBy !== 'closed')
      script.reached('its log is as it was', script.has(3, own))
      disk.full = false
      script.comeBack(3)
      script.demand('Z20', 'there is one history', same(script))
      script.end()
    },
    mutant('a peer goes on after a write that failed'),
  )
})
