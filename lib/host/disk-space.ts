/**
 * Looks how much room the disk has, once a second, and tells the core when it is less than the peer should keep, and when there is enough
 * again: writes are refused (STORAGE_LOW) before the disk is full, since a full one stops the peer.
 *
 * Always holds: one look at a time; nothing is told after stop(). What cannot be measured changes nothing and is said once.
 * Recovery needs a tenth more than the watermark, so that one file that comes and goes does not make it flap.
 * Before: storage.freeBytes (a store that cannot tell is not looked at). After: input `storageSpace`, status, health.
 */
import type { Input } from '../core/input.js'
import type { Clock } from './clock.js'
import type { Logger } from './logger.js'

export const DISK_LOOK_MS = 1000
const RECOVERY_FACTOR = 1.1

export interface DiskSpacePorts {
  /** Undefined for a store that has no disk. */
  readonly freeBytes: (() => Promise<number>) | undefined
  readonly clock: Pick<Clock, 'schedule'>
  readonly logger: Logger
  readonly input: (input: Input) => void
  readonly changed: () => void
  /** 0: not looked at. */
  readonly freeBytesMin: number
}

export class DiskSpace {
  readonly #ports: DiskSpacePorts
  #low = false
  #freeBytes: number | undefined
  #failing = false
  #stopped = false
  #cancelTimer: (() => void) | undefined
  #looking: Promise<void> = Promise.resolve()

  constructor(ports: DiskSpacePorts) {
    this.#ports = ports
  }

  /** Less is free than should be: writes are refused. */
  get low(): boolean {
    return this.#low
  }
  /** At the last look; undefined when there was none. */
  get freeBytes(): number | undefined {
    return this.#freeBytes
  }

  /** The first look comes at once; resolves after it. */
  async start(): Promise<void> {
    if (this.#ports.freeBytes === undefined || this.#ports.freeBytesMin === 0) return
    await this.#look()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancelTimer?.()
    await this.#looking
  }

  #look(): Promise<void> {
    this.#looking = this.#measure().then(() => {
      if (this.#stopped) return
      this.#cancelTimer = this.#ports.clock.schedule(DISK_LOOK_MS, () => void this.#look())
    })
    return this.#looking
  }

  async #measure(): Promise<void> {
    const { freeBytes, freeBytesMin, logger } = this.#ports
    try {
      const free = await freeBytes!()
      if (this.#stopped) return
      this.#failing = false
      this.#freeBytes = free
      this.#judge(free < freeBytesMin * (this.#low ? RECOVERY_FACTOR : 1))
    } catch (error) {
      if (!this.#stopped && !this.#failing) logger.warn('the free space of the disk cannot be measured', { error })
      this.#failing = true
    }
  }

  #judge(low: boolean): void {
    if (low === this.#low) return
    this.#low = low
    const { logger, input, changed, freeBytesMin } = this.#ports
    const fields = { freeBytes: this.#freeBytes, diskFreeBytesMin: freeBytesMin }
    if (low) logger.error('the disk is low: writes are refused (STORAGE_LOW) until there is room again', fields)
    else logger.info('the disk has room again: writes are taken', fields)
    input({ kind: 'storageSpace', low })
    changed()
  }
}
