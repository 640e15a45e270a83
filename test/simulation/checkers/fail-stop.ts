/**
 * D2, D4, D7, D9: after a read or a write that failed a peer says and writes nothing more; nobody is told of a failed write that it has no effect;
 * while there is no room nothing is stored; and a snapshot goes away as it was written.
 */
import type { Effect } from '../../../lib/core/effect.js'
import type { Input, Now } from '../../../lib/core/input.js'
import type { PeerId } from '../../../lib/model/ids.js'
import type { ReplicaImage } from '../../../lib/model/replica-image.js'
import { formatZxid } from '../../../lib/model/zxid.js'
import type { DiskChange, DiskFault } from '../../../lib/testing/simulated-disk.js'
import type { SimulatedPeer } from '../../../lib/testing/simulated-peer.js'
import type { WorldObserver } from '../../../lib/testing/world.js'
import type { Ledger } from './ledger.js'
import { Violation } from './violation.js'

/** What depends on what was durable. */
const promises: readonly Effect['kind'][] = ['send', 'reply', 'notify', 'attached', 'append', 'saveEpochs', 'truncate']

export class FailStopChecker implements WorldObserver {
  readonly #failed = new Map<PeerId, { readonly life: number; readonly fault: DiskFault }>()

  constructor(ledger: Ledger) {
    ledger.world.observe(this)
  }

  diskFault(peer: SimulatedPeer, fault: DiskFault): void {
    const fails = ['syncFails', 'writeFails', 'fullDisk', 'rotSnapshot'] as readonly DiskFault[]
    if (fails.includes(fault) && peer.isUp) this.#failed.set(peer.id, { life: peer.life, fault })
  }

  diskChanged(peer: SimulatedPeer, change: DiskChange): void {
    const failed = this.#failed.get(peer.id)
    if (failed !== undefined && failed.life === peer.life && peer.isUp) {
      const row = failed.fault === 'fullDisk' ? 'D7' : 'D2'
      throw new Violation(row, `peer ${peer.id} goes on to write (${change.kind}) after ${failed.fault}`)
    }
  }

  stepped(peer: SimulatedPeer, input: Input, _now: Now, effects: readonly Effect[]): void {
    if (input.kind !== 'storageFailed') return
    const given = effects.find(each => each.kind === 'fail' && each.outcome === 'not-applied')
    if (given !== undefined)
      throw new Violation('D4', `peer ${peer.id} says of a write that may be on its disk that it is not`)
    const promise = effects.find(each => promises.includes(each.kind))
    if (promise !== undefined) throw new Violation('D2', `peer ${peer.id} answers ${input.reason} with ${promise.kind}`)
    if (!effects.some(each => each.kind === 'stop'))
      throw new Violation('D2', `peer ${peer.id} goes on after ${input.reason}`)
  }

  snapshotSent(peer: SimulatedPeer, image: ReplicaImage): void {
    const { zxid, nodes } = peer.disk.store.content.checkpoint
    const sent = new Map(image.nodes)
    const wrong = [...nodes].find(([path, znode]) => sent.get(path) !== znode)
    if (wrong === undefined && sent.size === nodes.size) return
    throw new Violation('D9', `peer ${peer.id} sends a tree of ${formatZxid(zxid)} with another ${wrong?.[0]}`)
  }
}
