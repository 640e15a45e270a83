/**
 * Reads Snappy, in which LevelDB may have written an index block: literals, and copies of what has been written before.
 *
 * Always holds: nothing is read beyond the input and nothing written beyond `maxBytes` or the length that the input announces, which is believed
 * only if the input can make so much; whatever is not Snappy is undefined, never an exception. Source: google/snappy, format_description.txt.
 */

/** A copy of three bytes makes 64. */
const GROWTH_MAX = 64 / 3

export function uncompress(input: Uint8Array, maxBytes: number): Uint8Array | undefined {
  let at = 0
  let length = 0
  for (let shift = 0; ; shift += 7) {
    const byte = input[at++]
    if (byte === undefined || shift > 28) return undefined
    length += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) break
  }
  if (length > maxBytes || length > (input.length - at) * GROWTH_MAX) return undefined
  const output = new Uint8Array(length)
  let end = 0
  /** A little-endian number of so many bytes; NaN when there are not so many. */
  const number = (bytes: number): number => {
    let value = 0
    for (let n = 0; n < bytes; n++) value += (input[at + n] ?? Number.NaN) * 2 ** (8 * n)
    at += bytes
    return value
  }
  while (at < input.length) {
    const tag = input[at++]!
    const kind = tag & 3
    if (kind === 0) {
      const size = (tag < 240 ? tag >>> 2 : number((tag >>> 2) - 59)) + 1
      if (!(at + size <= input.length && end + size <= length)) return undefined
      output.set(input.subarray(at, at + size), end)
      at += size
      end += size
    } else {
      const size = kind === 1 ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1
      const back = kind === 1 ? (tag >>> 5) * 256 + number(1) : number(kind === 2 ? 2 : 4)
      if (!(back >= 1 && back <= end && end + size <= length)) return undefined
      // What is copied may be what this very copy has written: one byte after another.
      for (let n = 0; n < size; n++, end++) output[end] = output[end - back]!
    }
  }
  return end === length ? output : undefined
}
