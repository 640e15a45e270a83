/**
 * LevelDB syncs the bytes of a new write-ahead file with every synced write, but its name, the entry in the directory, only with the next
 * MANIFEST, many writes later. POSIX may lose a file without a name in a power cut, and LevelDB opens without it and says nothing: found
 * by test/powercut. So the store syncs the directory itself before it believes the first write to a new file.
 *
 * Always holds: when `around` resolves, the file that the write went to has a durable name. It lists the directory
 * only when the writes since the last new file may have filled LevelDB's buffer, so most writes cost nothing.
 * Before: database.ts, after each synced write.
 */
import { readdir } from 'node:fs/promises'
import { syncDirectory } from './durable-file.js'

/** The most that LevelDB's buffer needs for an entry besides key and value: lengths, sequence number, a node of the highest skip list. */
const ENTRY_OVERHEAD = 160
/** Small entries share blocks of 4 KiB, of which up to a quarter may stay unused. */
const SMALL = 1024
/** The first block, and blocks begun. */
const BUFFER_OVERHEAD = 16 * 1024

export class WriteAheadNames {
  readonly #directory: string
  readonly #limit: number
  #newest: number
  /** Sums of the room that writes take: of those begun, and of those ended. */
  #begun = 0
  #ended = 0
  /** `#ended` when LevelDB's buffer was surely not yet the present one: it holds at most what was begun beyond that. */
  #before = 0
  /** `#ended` when the newest file was last known to be `#newest`. */
  #known = 0
  #settling: Promise<void> = Promise.resolve()

  private constructor(directory: string, bufferBytes: number, newest: number) {
    this.#directory = directory
    this.#limit = bufferBytes - BUFFER_OVERHEAD
    this.#newest = newest
  }

  /** Right after LevelDB has opened `directory`: also CURRENT has been replaced then, and is not yet durable. */
  static async open(directory: string, bufferBytes: number): Promise<WriteAheadNames> {
    await syncDirectory(directory)
    return new WriteAheadNames(directory, bufferBytes, await newestIn(directory))
  }

  /** The newest write-ahead file whose name is known to be durable. */
  get newest(): number {
    return this.#newest
  }

  /** The room that an entry takes in LevelDB's buffer, at most. */
  static roomOf(entryBytes: number): number {
    const room = entryBytes + ENTRY_OVERHEAD
    return room > SMALL ? room : Math.ceil((room * 4) / 3)
  }

  async around(room: number, write: () => Promise<void>): Promise<void> {
    this.#begun += room
    await write()
    this.#ended += room
    await this.settled()
  }

  settled(): Promise<void> {
    // A failure stays: nobody knows what is on disk any more (D2).
    this.#settling = this.#settling.then(() => this.#settle())
    return this.#settling
  }

  async #settle(): Promise<void> {
    const ended = this.#ended
    if (this.#begun - this.#before >= this.#limit) {
      const newest = await newestIn(this.#directory)
      if (newest !== this.#newest) {
        await syncDirectory(this.#directory)
        this.#newest = newest
        this.#before = this.#known
      }
    }
    this.#known = ended
  }
}

/** LevelDB numbers its files; 000012.log is a write-ahead file. */
async function newestIn(directory: string): Promise<number> {
  return Math.max(0, ...(await writeAheadFilesOf(directory)).map(name => Number.parseInt(name, 10)))
}

export async function writeAheadFilesOf(directory: string): Promise<string[]> {
  return (await readdir(directory)).filter(name => name.endsWith('.log'))
}
