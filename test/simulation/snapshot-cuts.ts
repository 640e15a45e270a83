/**
 * A fault that needs aim: the link goes while a snapshot is on its way over it, so that it arrives begun and not whole.
 * Its name counts the snapshots that were sent.
 */
import type { LinkId, PeerId } from '../../lib/model/ids.js'
import type { World } from '../../lib/testing/world.js'
import type { Schedule } from './schedule.js'
import type { Strikes } from './strikes.js'

export class SnapshotCuts {
  constructor(world: World, schedule: Schedule, strikes: Strikes) {
    let sent = 0
    const links = new Map<LinkId, PeerId>()
    world.observe({
      stepped: (_peer, input) => {
        if (input.kind === 'linked') links.set(input.link, input.peer)
      },
      performed: (peer, effect) => {
        if (effect.kind !== 'sendSnapshot' || !strikes.active) return
        sent += 1
        const name = `snapshot cut ${sent}`
        const random = schedule.stream(name)
        if (random === undefined || random.chance(0.4)) return
        const learner = links.get(effect.link)!
        world.after(random.waiting(world.options.networkMs * 2), () => {
          // It was over sooner.
          if (world.peer(learner).core?.status.phase !== 'synchronization') return
          if (peer.core?.status.role !== 'leading') return
          if (!strikes.active || !world.network.reset(peer.id, learner, 0)) return
          strikes.hit('cutSnapshot', peer, world.peer(learner))
          schedule.record(name, `cutSnapshot ${peer.id} ${learner}`)
        })
      },
    })
  }
}
