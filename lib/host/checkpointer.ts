/**
 * Decides when a checkpoint is due — by the volume of the log since the last one, so that its cost follows the change — and runs
 * the one the core then asks for beside the log.
 *
 * Always holds: one checkpoint at a time; it and the installation of a snapshot never overlap; a failure is a storage failure.
 * Before: log-writer (the log has grown), perform (effect `checkpoint`). After: storage.checkpoint, input `checkpointed`.
 */
import type { Effect } from '../core/effect.js'
import type { Input } from '../core/input.js'
import type { Storage } from '../storage/storage.js'
import { storageFailed } from './storage-failure.js'

type CheckpointEffect = Extract<Effect, { readonly kind: 'checkpoint' }>

export interface CheckpointerPorts {
  readonly storage: Pick<Storage, 'checkpoint' | 'logBytesSinceCheckpoint'>
  readonly input: (input: Input) => void
  /** Bytes of log after which a checkpoint is due. */
  readonly logBytes: number
}

export class Checkpointer {
  readonly #ports: CheckpointerPorts
  #queue: CheckpointEffect[] = []
  #underWay: Promise<void> | undefined
  #stopped = false
  /** Asked for at this volume and not heard of since. */
  #askedAt: number | undefined

  constructor(ports: CheckpointerPorts) {
    this.#ports = ports
  }

  /** Called after each group commit. Asks again only when the log has grown by as much again (the core may be in no state for one). */
  logGrew(): void {
    if (this.#stopped || this.#underWay !== undefined) return
    const bytes = this.#ports.storage.logBytesSinceCheckpoint()
    if (bytes < (this.#askedAt ?? 0) + this.#ports.logBytes) return
    this.#askedAt = bytes
    this.#ports.input({ kind: 'checkpointDue' })
  }

  submit(effect: CheckpointEffect): void {
    if (this.#stopped) return
    this.#queue.push(effect)
    this.#underWay ??= this.#run()
  }

  /** Resolves when no checkpoint is under way. */
  async settled(): Promise<void> {
    await this.#underWay
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#queue = []
    await this.#underWay
  }

  async #run(): Promise<void> {
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        const { base } = await this.#ports.storage.checkpoint(next.changes)
        this.#askedAt = undefined
        if (this.#stopped) return
        this.#ports.input({ kind: 'checkpointed', op: next.op, zxid: next.changes.zxid, base })
      }
    } catch (error) {
      if (!this.#stopped) this.#ports.input(storageFailed(error))
      this.#stopped = true
    } finally {
      this.#underWay = undefined
    }
  }
}
