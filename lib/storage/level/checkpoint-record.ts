/**
 * The one record that says which tree is valid: replaced by one synced batch, it makes a checkpoint or a received snapshot visible all
 * at once. docs/format.md "Tree store", "Snapshot switch".
 */
import { ZooKeeperError } from '../../model/errors.js'
import type { Zxid } from '../../model/zxid.js'
import type { SnapshotHeader } from '../storage.js'
import type { Operation } from './database.js'
import { decodeWords, encodeWords, fromTwoWords, twoWords } from './fixed-record.js'
import { CHECKPOINT_KEY } from './keys.js'

/** By version: the first has no packs, and not the word that says so; the second no digest of the znodes below `/zookeeper/`. */
const WORDS: ReadonlyMap<number | undefined, number> = new Map([
  [1, 11],
  [2, 12],
  [3, 14],
])
const VERSION = 3

export interface CheckpointRecord extends SnapshotHeader {
  /** The life of the tree that is valid, and with it that of the log. */
  readonly generation: number
  /** Where the log of this generation began: the zxid of the snapshot it was installed from, or zero. */
  readonly chainBase: Zxid
  /** Counts checkpoints. */
  readonly number: number
  /** How many chunks of changes, under `number`, are part of this tree but not yet carried over into its entries. */
  readonly journalChunks: number
  /** There may be packs in this generation: what is deleted leaves a trace then. */
  readonly packed: boolean
}

export function checkpointOperation(record: CheckpointRecord): Operation {
  const { generation, number, journalChunks, zxid, time, digest, chainBase, packed } = record
  const words = [
    generation,
    number,
    journalChunks,
    ...[zxid.epoch, zxid.counter],
    ...twoWords(time),
    ...[digest.high, digest.low],
    ...[chainBase.epoch, chainBase.counter],
    packed ? 1 : 0,
  ]
  const { system } = digest
  // Of a snapshot that an earlier release has sent, or a checkpoint that it wrote, nobody knows.
  const value = system === undefined ? encodeWords(2, words) : encodeWords(VERSION, [...words, system.high, system.low])
  return { type: 'put', key: CHECKPOINT_KEY, value }
}

export function decodeCheckpoint(bytes: Uint8Array | undefined, what: string): CheckpointRecord {
  // A version that is none of these is the envelope's to judge.
  const version = WORDS.has(bytes?.[0]) ? bytes![0]! : VERSION
  const words = decodeWords(bytes, version, WORDS.get(version)!, what)
  const at = (index: number) => words[index]!
  if (version > 1 && at(11) > 1) throw new ZooKeeperError('DATA_CORRUPT', `${what}: neither packed nor not`)
  return {
    generation: at(0),
    number: at(1),
    journalChunks: at(2),
    zxid: { epoch: at(3), counter: at(4) },
    time: fromTwoWords(at(5), at(6), what),
    digest: { high: at(7), low: at(8), ...(version > 2 ? { system: { high: at(12), low: at(13) } } : {}) },
    chainBase: { epoch: at(9), counter: at(10) },
    packed: version > 1 && at(11) === 1,
  }
}
