/** Frames as the bytes of a stream: each with its header, several in a row as one piece. A copy each, so nothing is shared. */
import { FRAME_HEADER_BYTES, writeFrameHeader } from '../../transport/frame.js'
import type { SeededRandom } from '../seeded-random.js'

/** One frame, given in parts. */
export function framed(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const frame = new Uint8Array(FRAME_HEADER_BYTES + length)
  writeFrameHeader(frame, 0, length)
  let offset = FRAME_HEADER_BYTES
  for (const part of parts) {
    frame.set(part, offset)
    offset += part.length
  }
  return frame
}

/** Frames with their headers, back to back. One alone stays what it is. */
export function joined(frames: readonly Uint8Array[]): Uint8Array {
  if (frames.length === 1) return frames[0]!
  let length = 0
  for (const frame of frames) length += frame.length
  const bytes = new Uint8Array(length)
  let offset = 0
  for (const frame of frames) {
    bytes.set(frame, offset)
    offset += frame.length
  }
  return bytes
}

/** A shorter frame, well formed by itself: its content ends too early. */
export function cutFrame(frame: Uint8Array, random: SeededRandom): Uint8Array {
  if (frame.length === FRAME_HEADER_BYTES) return frame
  const kept = random.below(frame.length - FRAME_HEADER_BYTES)
  return framed([frame.subarray(FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + kept)])
}

/** One bit of its length is another one, so that whatever follows is read at the wrong place. What is inside has no checksum of its own to tell. */
export function flippedFrame(frame: Uint8Array, random: SeededRandom): Uint8Array {
  const flipped = frame.slice()
  flipped[random.below(FRAME_HEADER_BYTES)]! ^= 1 << random.below(8)
  return flipped
}
