/** Z20, Z22, Z26, Z27, Z30: the disk never loses what is committed, and every replica is what the reference tree says. */
import type { Effect } from '../../../lib/core/effect.js'
import type { Input, Now } from '../../../lib/core/input.js'
import { formatDigest, sameDigest } from '../../../lib/model/digest.js'
import type { PeerId } from '../../../lib/model/ids.js'
import { formatZxid, isAfter, sameZxid, ZERO, type Zxid } from '../../../lib/model/zxid.js'
import type { DiskChange } from '../../../lib/testing/simulated-disk.js'
import type { SimulatedPeer } from '../../../lib/testing/simulated-peer.js'
import type { WorldObserver } from '../../../lib/testing/world.js'
import type { Ledger, LedgerListener, PeerRecord } from './ledger.js'
import { Violation } from './violation.js'

export class StateChecker implements WorldObserver, LedgerListener {
  readonly #ledger: Ledger
  /** Whether the checkpoint under way is of a false state. */
  readonly #captured = new Map<PeerId, boolean>()

  constructor(ledger: Ledger) {
    this.#ledger = ledger
    ledger.world.observe(this)
    ledger.listen(this)
  }

  diskChanged(peer: SimulatedPeer, change: DiskChange): void {
    if (change.kind === 'truncate' || change.kind === 'install') {
      const limit = change.kind === 'truncate' ? ZERO : change.zxid
      for (const { zxid } of change.dropped) {
        if (isAfter(zxid, limit) && this.#ledger.at(zxid) !== undefined) {
          throw new Violation('Z20', `peer ${peer.id} drops ${formatZxid(zxid)}, which is committed, by ${change.kind}`)
        }
      }
    }
    if (change.kind === 'truncate' && !sameZxid(peer.disk.last, change.after)) {
      throw new Violation(
        'Z19',
        `peer ${peer.id} cuts its log behind ${formatZxid(change.after)} and ends at ${formatZxid(peer.disk.last)}`,
      )
    }
    if (change.kind === 'checkpoint') this.#isFalseOnDisk(peer.id, this.#captured.get(peer.id) ?? false)
    if (isAfter(peer.disk.checkpointZxid, peer.disk.last)) {
      throw new Violation(
        'Z30',
        `peer ${peer.id} has a checkpoint at ${formatZxid(peer.disk.checkpointZxid)}, ahead of its log`,
      )
    }
  }

  performed({ id }: SimulatedPeer, effect: Effect): void {
    if (effect.kind === 'checkpoint') this.#captured.set(id, this.#ledger.falseStates.has(id))
  }

  stepped(peer: SimulatedPeer, input: Input, _now: Now, effects: readonly Effect[]): void {
    this.#aside(peer, input, effects)
    const record = this.#ledger.record(peer.id)
    if (record.installing !== undefined) return
    const { replica } = peer.core!
    if (isAfter(replica.zxid, peer.disk.last)) {
      const end = formatZxid(peer.disk.last)
      throw new Violation(
        'Z22',
        `peer ${peer.id} has applied ${formatZxid(replica.zxid)} on ${input.kind}, but its disk ends at ${end}`,
      )
    }
    if (!sameZxid(replica.zxid, record.applied)) {
      throw new Violation(
        'Z22',
        `peer ${peer.id} says it has applied ${formatZxid(record.applied)}, its replica is at ${formatZxid(replica.zxid)}`,
      )
    }
    if (sameZxid(record.former.applied, record.applied)) return
    this.#compare('Z26', record, replica.zxid)
  }

  /** Z31: whose state is known to differ says nothing of it to anybody. */
  #aside(peer: SimulatedPeer, input: Input, effects: readonly Effect[]): void {
    const { former, status } = this.#ledger.record(peer.id)
    const told = input.kind === 'message' && input.message.kind === 'diverged'
    if (told && status.serving) throw new Violation('Z31', `peer ${peer.id} goes on to serve a state that differs`)
    if (former.diverged && status.diverged && effects.some(each => each.kind === 'reply' || each.kind === 'notify'))
      throw new Violation('Z31', `peer ${peer.id} answers from a state that is known to differ`)
  }

  replaced(record: PeerRecord, zxid: Zxid): void {
    this.#compare('Z27', record, zxid)
    this.#isFalseOnDisk(record.id, this.#ledger.falseStates.has(record.id))
  }

  #isFalseOnDisk(id: PeerId, isFalse: boolean): void {
    const { falseDisks } = this.#ledger
    if (isFalse) falseDisks.add(id)
    else falseDisks.delete(id)
  }

  /** Without their digest, which may be what is wrong. The reference is at the newest zxid, so only who is there too can be compared. */
  #compareQuotas(row: string, record: PeerRecord, zxid: Zxid): void {
    const { ref, world, falseStates } = this.#ledger
    if (!world.protocol.enforceQuota || falseStates.size > 0 || !sameZxid(zxid, ref.zxid)) return
    const { tree } = world.peer(record.id).core!.replica
    for (const quota of ['/a', '/a/x', '/b']) {
      for (const what of ['zookeeper_limits', 'zookeeper_stats']) {
        const path = `/zookeeper/quota${quota}/${what}`
        const [actual, expected] = [tree.get(path)?.data, ref.tree.get(path)?.data]
        if (String(actual) === String(expected)) continue
        throw new Violation(row, `peer ${record.id} at ${formatZxid(zxid)} has ${actual} as ${path}, not ${expected}`)
      }
    }
  }

  #compare(row: string, record: PeerRecord, zxid: Zxid): void {
    const entry = this.#ledger.at(zxid)
    if (entry === undefined && !sameZxid(zxid, ZERO))
      throw new Violation(row, `peer ${record.id} has the state of ${formatZxid(zxid)}, which is not committed`)
    this.#compareQuotas(row, record, zxid)
    const expected = entry?.digest ?? this.#ledger.emptyDigest
    const { digest } = this.#ledger.world.peer(record.id).core!.replica
    const { falseStates, falseDisks } = this.#ledger
    if (sameDigest(digest, expected)) {
      falseStates.delete(record.id)
      return
    }
    // A leader whose state is false, and not found out yet, hands it on with a snapshot; and a checkpoint of it comes back.
    if (row === 'Z27' && falseStates.size + falseDisks.size > 0) falseStates.add(record.id)
    if (falseStates.has(record.id)) return
    throw new Violation(
      row,
      `peer ${record.id} at ${formatZxid(zxid)} has the state ${formatDigest(digest)}, the reference ${formatDigest(expected)}`,
    )
  }
}
