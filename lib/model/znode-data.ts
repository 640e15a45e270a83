/**
 * The bytes of a znode as memory holds them: short ones as a string of one unit a byte, which V8 keeps in one piece of their own size; a
 * Uint8Array costs a few hundred bytes and a microsecond more, and a million znodes make that felt (benchmarks/spikes/znode-layout.mjs).
 *
 * Always holds: a string has units below 256 only. Both forms of the same bytes stand for the same; what a tree keeps went through `keepData`.
 * Before: codec/tree-codec.ts, core/tree/data-tree.ts. After: whoever reads, by `bytesOfData`. Both have `length`.
 */
export type ZnodeData = Uint8Array | string | null

/** Longer data are kept as they come: the string would save them nothing, and be slower to turn into bytes. */
export const DATA_AS_STRING_MAX = 512

/** What a tree keeps of `bytes`, which nobody changes afterwards. */
export function keepData(bytes: ZnodeData): ZnodeData {
  if (bytes === null || typeof bytes === 'string' || bytes.length > DATA_AS_STRING_MAX) return bytes
  return String.fromCharCode.apply(null, bytes as unknown as number[])
}

/** The bytes of a text in UTF-8, in the form that a tree keeps. */
export function dataOfText(text: string): ZnodeData {
  return keepData(new TextEncoder().encode(text))
}

/** Read it, copy it; change it never: long data are the tree's own, short ones share a buffer with others. */
export function bytesOfData(data: ZnodeData): Uint8Array | null {
  return typeof data === 'string' ? bytesOfString(data) : data
}

const SLAB_BYTES = 8192
const EMPTY = new Uint8Array(0)
let slab = EMPTY
let used = 0

/** A fresh array of 100 bytes takes 1.4 µs, a piece of one that is there 0.15 (measured). Whoever keeps a piece keeps 8 KiB. */
function bytesOfString(text: string): Uint8Array {
  const { length } = text
  if (length === 0) return EMPTY
  if (used + length > slab.length) {
    slab = new Uint8Array(Math.max(SLAB_BYTES, length))
    used = 0
  }
  const start = used
  used += length
  for (let at = 0; at < length; at++) slab[start + at] = text.charCodeAt(at)
  return new Uint8Array(slab.buffer, start, length)
}
