/**
 * Feeds one decoder malformed inputs and judges every answer: nothing but its own error, in 10 ms, with memory in proportion to the input, and
 * what it accepts is what its encoder writes (R5). Afterwards a valid sample still decodes as before, and nothing is kept.
 *
 * Always holds: a finding names the input and how to see it again. Time is CPU time of this process: a call that took longer is measured three times
 * more, alone, so that neither a collection of garbage nor another process is taken for it. So is one that seems to allocate too much: the compiler
 * allocates too, once in some million calls, and an input costs the same every time.
 */
import { isDeepStrictEqual } from 'node:util'
import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Chance } from '../crash/chance.js'
import type { Decoder } from './decoders.js'
import { Mutator } from './mutator.js'

const CALL_MS_MAX = 10
/** From here on it is measured again. */
const DOUBTFUL_MS = 0.5
/** What one call may allocate: so much, and so many times the length of its input. */
const ALLOCATED_BYTES = 512 * 1024
const ALLOCATED_TIMES = 400
/** What may be left of a whole run. */
const KEPT_BYTES = 6 * 1024 * 1024
/** Every so manyth call is looked at more closely: its allocations, and a valid input behind it. */
const CLOSE_LOOK = 61

export interface FuzzResult {
  readonly name: string
  readonly frames: number
  readonly accepted: number
  readonly slowestMs: number
  readonly keptBytes: number
  readonly cpuMs: number
  readonly findings: readonly string[]
}

export interface FuzzOptions {
  /** Ends with so many. @default 3 */
  readonly findingsMax?: number
  /** Inputs before the first that is counted, for the compiler and the caches. @default 3000 */
  readonly warmUp?: number
  /** Valid encodings to begin with. @default 400 */
  readonly samples?: number
}

export function fuzz(decoder: Decoder, frames: number, seed: number, options: FuzzOptions = {}): FuzzResult {
  const { findingsMax = 3, warmUp = 3000, samples: count = 400 } = options
  const { name } = decoder
  const samples = decoder.samples(seed, count)
  const chance = new Chance(seed, ...Buffer.from(name))
  const mutator = new Mutator(chance, samples, decoder.repair?.bind(decoder))
  const findings: string[] = []
  const began = process.cpuUsage()
  let accepted = 0
  let slowestMs = 0
  let heldBytes = 0
  // What an error costs is mostly its stack, which nobody reads here.
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  for (let frame = 0; frame < frames + warmUp && findings.length < findingsMax; frame++) {
    if (frame === warmUp) heldBytes = collected()
    const input = mutator.next()
    const close = frame % CLOSE_LOOK === 0
    const before = close ? allocated() : 0
    const at = performance.now()
    const answer = decoded(decoder, input)
    const ms = performance.now() - at
    const wrong: string[] = []
    if (close) {
      const grown = allocated() - before
      const limit = ALLOCATED_BYTES + ALLOCATED_TIMES * input.length
      const least = grown > limit ? Math.min(grown, ...[1, 2, 3].map(() => bytesOf(decoder, input))) : grown
      if (least > limit) wrong.push(`allocates ${least} bytes`)
    }
    const slow = ms > DOUBTFUL_MS ? Math.min(ms, ...[1, 2, 3].map(() => cpuMsOf(decoder, input))) : ms
    if (frame >= warmUp) slowestMs = Math.max(slowestMs, slow)
    if (slow > CALL_MS_MAX) wrong.push(`takes ${slow.toFixed(1)} ms`)
    if ('error' in answer) {
      if (!decoder.isTyped(answer.error)) wrong.push(`ends with ${told(withStack(decoder, input) ?? answer.error)}`)
    } else {
      if (frame >= warmUp) accepted++
      const changed = comesBackAs(decoder, input, answer.value)
      if (changed !== undefined) wrong.push(changed)
    }
    if (close) {
      const sample = chance.pick(samples)
      const again = decoded(decoder, Buffer.from(sample))
      if ('error' in again) wrong.push(`refuses a valid input afterwards: ${told(again.error)}`)
      else if (decoder.encode !== undefined && !decoder.loose) {
        const changed = comesBackAs(decoder, Buffer.from(sample), again.value)
        if (changed !== undefined) wrong.push(`afterwards: a valid input ${changed}`)
      }
    }
    for (const what of wrong)
      findings.push(`${name}: ${what}; input ${frame} of seed ${seed}, ${input.length} bytes: ${shown(input)}`)
  }
  Error.stackTraceLimit = stackTraceLimit
  const keptBytes = collected() - heldBytes
  if (findings.length === 0 && keptBytes > KEPT_BYTES) findings.push(`${name}: keeps ${keptBytes} bytes; seed ${seed}`)
  const { user, system } = process.cpuUsage(began)
  return { name, frames, accepted, slowestMs, keptBytes, cpuMs: (user + system) / 1000, findings }
}

function bytesOf(decoder: Decoder, input: Buffer): number {
  const before = allocated()
  decoded(decoder, input)
  return allocated() - before
}

type Answer = { readonly value: unknown } | { readonly error: unknown }

function decoded(decoder: Decoder, input: Buffer): Answer {
  try {
    return { value: decoder.decode(input) }
  } catch (error) {
    return { error }
  }
}

/** The same error once more, with its stack. */
function withStack(decoder: Decoder, input: Buffer): unknown {
  Error.stackTraceLimit = 8
  const answer = decoded(decoder, input)
  Error.stackTraceLimit = 0
  return 'error' in answer ? answer.error : undefined
}

/** Undefined when it is right. */
function comesBackAs(decoder: Decoder, input: Buffer, value: unknown): string | undefined {
  if (decoder.encode === undefined) return undefined
  try {
    const bytes = Buffer.from(decoder.encode(value))
    if (!decoder.loose) return bytes.equals(input) ? undefined : `is accepted and comes back as ${shown(bytes)}`
    const again = decoder.decode(bytes)
    if (Buffer.from(decoder.encode(again)).equals(bytes)) return undefined
    return `is accepted and changes twice, to ${shown(bytes)} first${isDeepStrictEqual(again, value) ? '' : ' (another value)'}`
  } catch (error) {
    return `is accepted and cannot be encoded: ${told(error)}`
  }
}

function cpuMsOf(decoder: Decoder, input: Buffer): number {
  const began = process.cpuUsage()
  const at = performance.now()
  decoded(decoder, input)
  const { user, system } = process.cpuUsage(began)
  // Of the whole process: other threads may have worked in it, too.
  return Math.min(performance.now() - at, (user + system) / 1000)
}

function allocated(): number {
  const { used_heap_size, external_memory } = getHeapStatistics()
  return used_heap_size + external_memory
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function collected(): number {
  collect()
  collect()
  return allocated()
}

function told(error: unknown): string {
  const { cause } = error as { cause?: unknown }
  return `${error instanceof Error ? error.stack : String(error)}${cause === undefined ? '' : `; cause: ${told(cause)}`}`
}

function shown(bytes: Buffer): string {
  return bytes.length <= 300
    ? bytes.toString('hex')
    : `${bytes.toString('hex', 0, 150)} … ${bytes.toString('hex', bytes.length - 100)}`
}
