/**
 * The one record that says which tree is valid: replaced by one synced batch, it makes a checkpoint or a received snapshot visible all
 * at once. docs/format.md "Tree store", "Snapshot switch".
 */
import type { Zxid } from '../../model/zxid.js'
import type { SnapshotHeader } from '../storage.js'
import type { Operation } from './database.js'
import { decodeWords, encodeWords, fromTwoWords, twoWords } from './fixed-record.js'
import { CHECKPOINT_KEY } from './keys.js'

const VERSION = 1
const WORDS = 11

export interface CheckpointRecord extends SnapshotHeader {
  /** The life of the tree that is valid, and with it that of the log. */
  readonly generation: number
  /** Where the log of this generation began: the zxid of the snapshot it was installed from, or zero. */
  readonly chainBase: Zxid
  /** Counts checkpoints. */
  readonly number: number
  /** How many chunks of changes, under `number`, are part of this tree but not yet carried over into its entries. */
  readonly journalChunks: number
}

export function checkpointOperation(record: CheckpointRecord): Operation {
  const { generation, number, journalChunks, zxid, time, digest, chainBase } = record
  const words = [
    generation,
    number,
    journalChunks,
    ...[zxid.epoch, zxid.counter],
    ...twoWords(time),
    ...[digest.high, digest.low],
    ...[chainBase.epoch, chainBase.counter],
  ]
  return { type: 'put', key: CHECKPOINT_KEY, value: encodeWords(VERSION, words) }
}

export function decodeCheckpoint(bytes: Uint8Array | undefined, what: string): CheckpointRecord {
  const words = decodeWords(bytes, VERSION, WORDS, what)
  const at = (index: number) => words[index]!
  return {
    generation: at(0),
    number: at(1),
    journalChunks: at(2),
    zxid: { epoch: at(3), counter: at(4) },
    time: fromTwoWords(at(5), at(6)),
    digest: { high: at(7), low: at(8) },
    chainBase: { epoch: at(9), counter: at(10) },
  }
}
