/** §3.2 at the depth of hosts and codec: words of an election that arrive in pieces, or as nonsense. */
import { Dialer } from '../../../lib/host/dialer.js'
import { replaceMethod } from '../mutants/mutant.js'
import { HostScript } from './host-script.js'
import { type Bug, plays } from './played.js'

const TIMES = 3

const notAgain: Bug = {
  name: 'a link that was given up over a malformed message is not made again',
  rows: ['L1'],
  plant: () =>
    replaceMethod(Dialer.prototype, 'linkEnded', () => {
      return () => {}
    }),
}

describe('a word of an election', () => {
  for (const [how, what] of [
    ['cut', 'whose end is missing'],
    ['flipped', 'whose length is another'],
  ] as const)
    plays(
      `ZOOKEEPER-3769, ZOOKEEPER-4787: ${what}, costs its link and nothing else, and the election goes on (E8)`,
      async () => {
        const script = await HostScript.begin()
        const { leader } = script
        const [one, two] = script.others
        let damaged = 0
        let lost = 0
        script.listen((peer, input, effects) => {
          if (peer === two!.id && input.kind === 'unlinked' && input.peer === one!.id) lost += 1
          const votes = effects.some(
            each => each.kind === 'send' && each.message.kind === 'notification' && each.message.role === 'looking',
          )
          // The next frame that goes there is this word.
          if (peer !== one!.id || !votes || damaged > lost || damaged === TIMES) return
          if (script.ensemble.network.damage(one!.id, two!.id, how)) damaged += 1
        })
        leader.crash(false)
        await script.soon('L1', 'each word has cost a link', () => damaged === TIMES && lost >= TIMES)
        script.demand('E8', 'its hearer runs', two!.opened!.status.state !== 'closed' && two!.host !== undefined)
        await script.soon('L1', 'one of the two leads', () => [one!, two!].every(each => each.opened!.status.serving))
        await script.of(leader.start())
        await script.serving()
        await script.end()
      },
      notAgain,
    )
})
