// The linear scan that has to pass before cbor-x may see a frame (wire-codec.mjs).
import { Reader } from './wire-subset.mjs'

const reader = new Reader()
/** Exactly one item of the subset, nothing behind it. Items are counted, so the scan does not recurse; cbor-x does, so
 * outside this spike the scan would also have to limit depth, and check UTF-8: what is measured here flatters cbor-x. */
export function scan(frame) {
  reader.open(frame)
  for (let left = 1; left > 0; left--) {
    const first = frame[reader.at]
    const major = first & 0xe0
    if (first === 0xf4 || first === 0xf5 || first === 0xf6) reader.at++
    else if (major === 0x80) left += reader.array()
    else if (major === 0x40 || major === 0x60) reader.skip(major)
    else reader.head(0x00)
  }
  reader.end()
}
