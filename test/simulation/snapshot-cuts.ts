/**
 * A fault that needs aim: the link goes while a snapshot is on its way over it, so that it arrives begun and not whole.
 * Its name counts the snapshots that were sent.
 */
import type { LinkId, PeerId } from '../../lib/model/ids.js'
import type { World } from '../../lib/testing/world.js'
import type { Schedule } from './schedule.js'

export class SnapshotCuts {
  count = 0

  constructor(world: World, schedule: Schedule, isActive: () => boolean) {
    let sent = 0
    const links = new Map<LinkId, PeerId>()
    world.observe({
      stepped: (_peer, input) => {
        if (input.kind === 'linked') links.set(input.link, input.peer)
      },
      performed: (peer, effect) => {
        if (effect.kind !== 'sendSnapshot' || !isActive()) return
        sent += 1
        const name = `snapshot cut ${sent}`
        const random = schedule.stream(name)
        if (random === undefined || random.chance(0.4)) return
        const learner = links.get(effect.link)!
        world.after(random.waiting(world.options.networkMs * 2), () => {
          if (!isActive() || !world.network.reset(peer.id, learner, 0)) return
          this.count += 1
          schedule.record(name, `cutSnapshot ${peer.id} ${learner}`)
        })
      },
    })
  }
}
