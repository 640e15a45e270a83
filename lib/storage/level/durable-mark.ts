/**
 * How far this peer's acknowledgements may have gone: a small file outside LevelDB, which loses acknowledged entries to a flipped bit
 * without a word (D1, D3). A log that ends below the mark is damaged; what is broken above it was never promised.
 *
 * Always holds: the mark is never ahead of the synced log and epochs of its generation. It follows them by at most DELAY_MS, also when
 * nothing more happens; truncate lowers it before the log is cut; a snapshot makes the old one void by its generation.
 * Two slots, written in turn, so that a torn write leaves the mark before it. docs/format.md "Durable mark".
 */
import { type FileHandle, open } from 'node:fs/promises'
import { ZooKeeperError } from '../../model/errors.js'
import type { Epochs } from '../../model/history.js'
import type { Zxid } from '../../model/zxid.js'
import { WHAT_TO_DO } from './database.js'
import { writeDurably } from './durable-file.js'
import type { FailStop } from './fail-stop.js'
import { decodeWords, encodeWords, fromTwoWords, twoWords, wordsLength } from './fixed-record.js'

export const MARK_DELAY_MS = 50
const VERSION = 1
const WORDS = 7
/** A disk sector: a torn write of one slot does not touch the other. */
const SLOT_BYTES = 512

export interface Mark {
  readonly generation: number
  /** The last entry of the log that is known to be durable. */
  readonly zxid: Zxid
  readonly epochs: Epochs
}

export class DurableMark {
  readonly #file: FileHandle
  readonly #failStop: FailStop
  /** Both slots could be read: what the mark says is the last that was written to it. */
  readonly intact: boolean
  #sequence: number
  #mark: Mark
  #dirty = false
  #timer: NodeJS.Timeout | undefined
  /** Writes go one after another; the last one under way. */
  #writing: Promise<void> = Promise.resolve()

  private constructor(file: FileHandle, failStop: FailStop, intact: boolean, sequence: number, mark: Mark) {
    this.#file = file
    this.intact = intact
    this.#failStop = failStop
    this.#sequence = sequence
    this.#mark = mark
  }

  /** A new file, at the first start. */
  static async create(path: string, mark: Mark): Promise<void> {
    const content = Buffer.alloc(2 * SLOT_BYTES)
    encodeSlot(0, mark).copy(content, 0)
    encodeSlot(1, mark).copy(content, SLOT_BYTES)
    await writeDurably(path, content)
  }

  static async open(path: string, failStop: FailStop): Promise<DurableMark> {
    let file: FileHandle
    try {
      file = await open(path, 'r+')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      throw new ZooKeeperError('DATA_CORRUPT', `${path} is missing. ${WHAT_TO_DO}`, { cause: error })
    }
    try {
      const content = Buffer.alloc(2 * SLOT_BYTES)
      await file.read(content, 0, content.length, 0)
      const newest = decodeMark(content)
      if (newest === undefined) throw new ZooKeeperError('DATA_CORRUPT', `${path} is damaged. ${WHAT_TO_DO}`)
      return new DurableMark(file, failStop, newest.intact, newest.sequence, newest.mark)
    } catch (error) {
      await file.close()
      throw error
    }
  }

  get value(): Mark {
    return this.#mark
  }

  /** The truth has moved on; the file follows within MARK_DELAY_MS. */
  advance(mark: Partial<Mark>): void {
    this.#mark = { ...this.#mark, ...mark }
    this.#dirty = true
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      // A failure is kept by the FailStop: the next call to the store hears of it.
      this.flush().catch(() => {})
    }, MARK_DELAY_MS)
  }

  /** Resolves when the file says `mark`: before the log is cut. */
  lower(mark: Partial<Mark>): Promise<void> {
    this.#mark = { ...this.#mark, ...mark }
    this.#dirty = true
    return this.flush()
  }

  /** Resolves when the file says what is true now. */
  flush(): Promise<void> {
    const before = this.#writing
    this.#writing = this.#failStop.run('writing the durable mark', async () => {
      await before
      if (!this.#dirty) return
      this.#dirty = false
      this.#sequence++
      const slot = encodeSlot(this.#sequence, this.#mark)
      await this.#file.write(slot, 0, slot.length, (this.#sequence % 2) * SLOT_BYTES)
      await this.#file.datasync()
    })
    return this.#writing
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    try {
      // A failure has been reported to whoever met it first; after one, nothing more is written.
      if (this.#failStop.failed) await this.#writing.catch(() => {})
      else await this.flush()
    } finally {
      await this.#file.close()
    }
  }
}

/** What the file says; undefined when neither slot is intact. DATA_TOO_NEW is thrown. */
export function decodeMark(content: Buffer): (MarkSlot & { readonly intact: boolean }) | undefined {
  const slots = [0, 1].map(slot => decodeSlot(content, slot)).filter(slot => slot !== undefined)
  const [newest] = slots.sort((a, b) => b.sequence - a.sequence)
  return newest === undefined ? undefined : { ...newest, intact: slots.length === 2 }
}

export function encodeSlot(sequence: number, { generation, zxid, epochs }: Mark): Buffer {
  const words = [generation, zxid.epoch, zxid.counter, epochs.accepted, epochs.current]
  return encodeWords(VERSION, [...twoWords(sequence), ...words])
}

/** Undefined for a slot that was never written, or is torn; an intact one of a later version is DATA_TOO_NEW. */
export function decodeSlot(content: Buffer, slot: number): MarkSlot | undefined {
  const at = slot * SLOT_BYTES
  try {
    const words = decodeWords(content.subarray(at, at + wordsLength(WORDS)), VERSION, WORDS, 'the durable mark')
    const [high, low, generation, epoch, counter, accepted, current] = words as SlotWords
    return {
      sequence: fromTwoWords(high, low, 'the durable mark'),
      mark: { generation, zxid: { epoch, counter }, epochs: { accepted, current } },
    }
  } catch (error) {
    if ((error as ZooKeeperError).code !== 'DATA_CORRUPT') throw error
    return undefined
  }
}

interface MarkSlot {
  readonly sequence: number
  readonly mark: Mark
}
type SlotWords = [number, number, number, number, number, number, number]
