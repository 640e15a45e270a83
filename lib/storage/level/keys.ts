/**
 * Every key of the two databases. One letter says what it is, a generation (big-endian uint32) which life of the tree it belongs to:
 * only keys of the current generation count, so that a snapshot switches tree and log over by one number. docs/format.md.
 *
 *   log/    I  label   B  chain base   E  epochs   L generation zxid(8)  a group commit, under its first entry's zxid
 *   tree/   I  label   C  checkpoint   J number(4) chunk(4)  changes of a checkpoint not yet carried over
 *           N generation path  a znode          S generation session(8)  a session
 *           P generation path  many znodes, the path being that of the first
 */
import type { SessionId } from '../../model/ids.js'
import { MAX_COUNTER, type Zxid } from '../../model/zxid.js'

export interface KeyRange {
  readonly gte: Buffer
  readonly lt: Buffer
}

const [GROUP, JOURNAL, NODE, PACK, SESSION] = ['L', 'J', 'N', 'P', 'S'].map(letter => letter.charCodeAt(0)) as [
  number,
  number,
  number,
  number,
  number,
]

export const LABEL_KEY = Buffer.from('I')
export const BASE_KEY = Buffer.from('B')
export const EPOCHS_KEY = Buffer.from('E')
export const CHECKPOINT_KEY = Buffer.from('C')

export function groupKey(generation: number, first: Zxid): Buffer {
  const key = prefixed(GROUP, generation, 8)
  key.writeUInt32BE(first.epoch, 5)
  key.writeUInt32BE(first.counter, 9)
  return key
}

/** Undefined if it is not of the form that groupKey makes. */
export function zxidOfGroupKey(key: Buffer): Zxid | undefined {
  return key.length === 13 ? { epoch: key.readUInt32BE(5), counter: key.readUInt32BE(9) } : undefined
}

export function journalKey(checkpoint: number, chunk: number): Buffer {
  const key = prefixed(JOURNAL, checkpoint, 4)
  key.writeUInt32BE(chunk, 5)
  return key
}

export function nodeKey(generation: number, path: string): Buffer {
  const key = prefixed(NODE, generation, Buffer.byteLength(path))
  key.write(path, 5)
  return key
}

/** Of the znode with this path in UTF-8. */
export function nodeKeyOf(generation: number, path: Uint8Array): Buffer {
  return pathKey(NODE, generation, path)
}

/** Of the pack that begins with this path in UTF-8. */
export function packKey(generation: number, first: Uint8Array): Buffer {
  return pathKey(PACK, generation, first)
}

/** The path in UTF-8 in the key of a znode or a pack. */
export function pathInKey(key: Buffer): Buffer {
  return key.subarray(5)
}

export function sessionKey(generation: number, session: SessionId): Buffer {
  const key = prefixed(SESSION, generation, 8)
  key.write(session, 5, 'hex')
  return key
}

export const groupsOf = (generation: number): KeyRange => generationRange(GROUP, generation)
export const nodesOf = (generation: number): KeyRange => generationRange(NODE, generation)
export const packsOf = (generation: number): KeyRange => generationRange(PACK, generation)
export const sessionsOf = (generation: number): KeyRange => generationRange(SESSION, generation)
export const journalRange: KeyRange = { gte: Buffer.from([JOURNAL]), lt: Buffer.from([JOURNAL + 1]) }

/** All that no generation but `generation` owns. */
export const groupsOutside = (generation: number): readonly KeyRange[] => outside(GROUP, generation)
export const treeOutside = (generation: number): readonly KeyRange[] => [
  ...outside(NODE, generation),
  ...outside(PACK, generation),
  ...outside(SESSION, generation),
]

function pathKey(letter: number, generation: number, path: Uint8Array): Buffer {
  const key = prefixed(letter, generation, path.length)
  key.set(path, 5)
  return key
}

function prefixed(letter: number, number: number, more: number): Buffer {
  const key = Buffer.allocUnsafe(5 + more)
  key[0] = letter
  key.writeUInt32BE(number, 1)
  return key
}

function generationRange(letter: number, generation: number): KeyRange {
  return { gte: prefixed(letter, generation, 0), lt: endOf(letter, generation) }
}

function outside(letter: number, generation: number): readonly KeyRange[] {
  return [
    { gte: Buffer.from([letter]), lt: prefixed(letter, generation, 0) },
    { gte: endOf(letter, generation), lt: Buffer.from([letter + 1]) },
  ]
}

function endOf(letter: number, generation: number): Buffer {
  return generation === MAX_COUNTER ? Buffer.from([letter + 1]) : prefixed(letter, generation + 1, 0)
}
