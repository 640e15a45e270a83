/**
 * The two epochs of a peer: accepted (promised to a leader) and current (whose history it has taken). They never decrease, and
 * current ≤ accepted at every moment, on disk too, since both are saved together (Z3, ZOOKEEPER-2307).
 * A promise counts only once the save is durable: the role that asked waits for its operation number.
 */
import type { Epochs } from '../../model/history.js'
import type { OperationNumber } from '../../model/ids.js'
import { invariant } from '../../model/invariant.js'
import type { ZabPort } from './zab-port.js'

export class EpochKeeper {
  readonly #port: ZabPort
  #epochs: Epochs
  #repairEnds: OperationNumber | undefined

  constructor(port: ZabPort, epochs: Epochs) {
    this.#port = port
    this.#epochs = epochs
  }

  get accepted(): number {
    return this.#epochs.accepted
  }
  get current(): number {
    return this.#epochs.current
  }

  /** An operator has said that the ensemble begins anew with what this peer has (Z29). */
  get origin(): boolean {
    return this.#epochs.origin === true
  }

  /** The operation with whose completion the disk is whole again, whatever has become of the role that asked for it. */
  get repairEnds(): OperationNumber | undefined {
    return this.#repairEnds
  }

  accept(epoch: number): OperationNumber {
    invariant(epoch > this.#epochs.accepted, 'Z4: an epoch is accepted once')
    return this.#save({ ...this.#epochs, accepted: epoch })
  }

  /** @param endsRepair the history behind this epoch is on the disk: a damaged peer is whole again with it. */
  adopt(epoch: number, endsRepair = false): OperationNumber {
    invariant(
      epoch === this.#epochs.accepted && epoch >= this.#epochs.current,
      'Z3: only the accepted epoch becomes current',
    )
    const op = this.#save({ accepted: epoch, current: epoch }, endsRepair)
    if (endsRepair) this.#repairEnds = op
    return op
  }

  #save(epochs: Epochs, endsRepair = false): OperationNumber {
    this.#epochs = epochs
    return this.#port.saveEpochs(epochs, endsRepair)
  }
}
