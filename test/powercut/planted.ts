/**
 * Bugs put into the real store of the recorded process, to show that the power-cut test finds them. LevelDB's own calls are replaced, so
 * that the store needs no switch for it.
 *
 * `unsynced`: sync: false everywhere. `unsynced-log`: only the groups of the log. `mark-first`: the durable mark says that a group is on
 * disk before it is. `no-directory-sync`: the names of new write-ahead files are left to LevelDB.
 */
import { Level } from 'level'
import { decodeGroup } from '../../lib/codec/record.js'
import { DurableMark } from '../../lib/storage/level/durable-mark.js'
import { WriteAheadNames } from '../../lib/storage/level/write-ahead-names.js'

export const plantedBugs = ['unsynced', 'unsynced-log', 'mark-first', 'no-directory-sync'] as const
export type PlantedBug = (typeof plantedBugs)[number]

type Options = Record<string, unknown>
interface Insides {
  _put(key: Buffer, value: Buffer, options: Options): Promise<void>
  _chainedBatch(): { _write(options: Options): Promise<void> }
}

const GROUP = 'L'.charCodeAt(0)

export function plant(bug: PlantedBug): void {
  const level = Level.prototype as unknown as Insides
  const { _put: put, _chainedBatch: chainedBatch } = level
  if (bug === 'no-directory-sync') {
    WriteAheadNames.prototype.settled = () => Promise.resolve()
    return
  }
  if (bug === 'mark-first') {
    let mark: DurableMark | undefined
    const open = DurableMark.open
    DurableMark.open = async (...all) => {
      mark = await open.apply(DurableMark, all)
      return mark
    }
    level._put = async function (this: Insides, key, value, options) {
      if (key[0] === GROUP) await mark?.lower({ zxid: decodeGroup(value).at(-1)!.zxid })
      return put.call(this, key, value, options)
    }
    return
  }
  level._put = function (this: Insides, key, value, options) {
    const sync = bug === 'unsynced-log' && key[0] !== GROUP
    return put.call(this, key, value, { ...options, sync })
  }
  if (bug === 'unsynced-log') return
  level._chainedBatch = function (this: Insides) {
    const batch = chainedBatch.call(this)
    const write = batch._write
    batch._write = options => write.call(batch, { ...options, sync: false })
    return batch
  }
}
