/**
 * A fault that needs aim: the link goes while a snapshot is on its way over it, so that it arrives begun and not whole. A stream of its own,
 * so that seeds without it are what they were.
 */
import type { LinkId, PeerId } from '../../lib/model/ids.js'
import { SeededRandom } from '../../lib/testing/seeded-random.js'
import type { World } from '../../lib/testing/world.js'

export class SnapshotCuts {
  count = 0

  constructor(world: World, isActive: () => boolean) {
    const random = new SeededRandom(world.options.seed, 'snapshot cuts')
    const links = new Map<LinkId, PeerId>()
    world.observe({
      stepped: (_peer, input) => {
        if (input.kind === 'linked') links.set(input.link, input.peer)
      },
      performed: (peer, effect) => {
        if (effect.kind !== 'sendSnapshot' || !isActive() || random.chance(0.4)) return
        const learner = links.get(effect.link)!
        world.after(random.waiting(world.options.networkMs * 2), () => {
          if (!isActive() || !world.network.reset(peer.id, learner, 0)) return
          this.count += 1
          world.note(`fault cutSnapshot ${peer.id} ${learner}`)
        })
      },
    })
  }
}
