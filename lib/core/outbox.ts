/**
 * Collects the effects of one step, and numbers the storage operations. Remembers which of the ordered ones are still under way: a peer
 * that leaves a role waits for its storage queue to run dry before it votes (E6, ZOOKEEPER-4712).
 */
import type { Epochs } from '../model/history.js'
import type { LinkId, OperationNumber } from '../model/ids.js'
import type { Proposal } from '../model/proposal.js'
import type { ReplicaChanges } from '../model/replica-image.js'
import type { Zxid } from '../model/zxid.js'
import type { Audited } from './audited.js'
import type { Effect } from './effect.js'
import type { PeerMessage, SnapshotBegin } from './zab/messages.js'

export class Outbox {
  #effects: Effect[] = []
  #op = 0
  /** The last operation of the ordered queue (log, epochs, snapshots), and the last that has completed. */
  #ordered = 0
  #completed = 0

  put(effect: Effect): void {
    this.#effects.push(effect)
  }

  take(): Effect[] {
    const effects = this.#effects
    this.#effects = []
    return effects
  }

  send(link: LinkId, message: PeerMessage): void {
    this.#effects.push({ kind: 'send', link, message })
  }
  append(proposals: readonly Proposal[]): OperationNumber {
    const op = this.#next()
    this.#effects.push({ kind: 'append', op, proposals })
    return op
  }
  truncate(after: Zxid): OperationNumber {
    const op = this.#next()
    this.#effects.push({ kind: 'truncate', op, after })
    return op
  }
  saveEpochs(epochs: Epochs, endsRepair = false): OperationNumber {
    const op = this.#next()
    this.#effects.push({ kind: 'saveEpochs', op, epochs, ...(endsRepair ? { endsRepair } : {}) })
    return op
  }
  installSnapshot(link: LinkId, begin: SnapshotBegin): OperationNumber {
    const op = this.#next()
    this.#effects.push({ kind: 'installSnapshot', op, link, begin })
    return op
  }
  /** Not in the ordered queue: runs beside the log. */
  checkpoint(changes: ReplicaChanges): OperationNumber {
    this.#op += 1
    const op = this.#op as OperationNumber
    this.#effects.push({ kind: 'checkpoint', op, changes })
    return op
  }
  audit(event: Audited): void {
    this.#effects.push({ kind: 'audit', event })
  }
  report(level: 'info' | 'warn' | 'error', message: string): void {
    this.#effects.push({ kind: 'report', level, message })
  }

  /** An ordered operation has completed, and with it all before it. */
  completed(op: OperationNumber): void {
    if (op > this.#completed) this.#completed = op
  }

  get drained(): boolean {
    return this.#completed >= this.#ordered
  }

  #next(): OperationNumber {
    this.#op += 1
    this.#ordered = this.#op
    return this.#op as OperationNumber
  }
}
