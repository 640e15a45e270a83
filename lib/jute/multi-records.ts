/**
 * multi and multiRead on the wire: for each step a header and its body, then a header that says so; the answer likewise. A step that failed is told by its
 * code twice, and the answer as a whole is no error (semantics §9).
 *
 * Always holds: steps are read one behind the other, each with bytes of its own, so a frame bounds their number.
 * Used by translate.ts. After: core/operations/multi.ts; results come in the order of the steps.
 */
import { CONTAINER, createModeFromFlag, type Lifetime } from '../model/create-mode.js'
import { unreachable } from '../model/invariant.js'
import type { CreateRequest, MultiStep, ReadStep } from '../model/request.js'
import type { ErrorResponse, ReadStepResponse, StepResponse } from '../model/response.js'
import { numberOfCode } from './error-codes.js'
import { createOf, setDataOf, statRecord, watchedOf } from './model-values.js'
import { OpCode } from './op-codes.js'
import type { JuteReader } from './reader.js'
import * as records from './records.js'
import type { JuteWriter } from './writer.js'

export interface WireMulti {
  readonly steps: readonly MultiStep[]
  /** The type of each step's result, if it succeeds. */
  readonly resultTypes: readonly number[]
}

export function readMulti(reader: JuteReader): WireMulti {
  const steps: MultiStep[] = []
  const resultTypes: number[] = []
  for (;;) {
    const { type, done } = records.multiHeader.read(reader)
    if (done) return { steps, resultTypes }
    const step = readStep(type, reader)
    steps.push(step)
    resultTypes.push(resultType(step))
  }
}

function readStep(type: number, reader: JuteReader): MultiStep {
  switch (type) {
    case OpCode.create:
    case OpCode.create2:
    case OpCode.createContainer:
    case OpCode.createTtl:
      return readCreate(type, reader)
    case OpCode.delete:
      return { kind: 'delete', ...records.versionRequest.read(reader) }
    case OpCode.setData:
      return setDataOf(records.setDataRequest.read(reader))
    case OpCode.check:
      return { kind: 'check', ...records.versionRequest.read(reader) }
    default:
      return reader.fail(`no step of a multi: ${type}`)
  }
}

/**
 * In a multi the flag alone says which znode it will be, whatever the opcode: that one only tells whether a TTL is there to be read. A TTL flag
 * without one cannot be understood; a TTL without such a flag is left alone (seen on 3.8.0).
 */
function readCreate(type: number, reader: JuteReader): CreateRequest {
  if (type === OpCode.createTtl) {
    const record = records.createTtlRequest.read(reader)
    return createOf(record, modeHasTtl(record.flags) ? { kind: 'ttl', ttlMs: record.ttl } : lifetimeOf(record.flags))
  }
  const record = records.createRequest.read(reader)
  if (modeHasTtl(record.flags)) reader.fail('a flag that wants a TTL')
  return createOf(record, lifetimeOf(record.flags))
}

function lifetimeOf(flags: number): Lifetime | undefined {
  return createModeFromFlag(flags) === CONTAINER ? { kind: 'container' } : undefined
}

function modeHasTtl(flags: number): boolean {
  return createModeFromFlag(flags).ttl === true
}

/** Of an ordinary create the path alone is told, also of one that was sent as create2. */
function resultType(step: MultiStep): number {
  switch (step.kind) {
    case 'create':
      return step.lifetime === undefined ? OpCode.create : OpCode.create2
    case 'delete':
      return OpCode.delete
    case 'setData':
      return OpCode.setData
    case 'check':
      return OpCode.check
    default:
      return unreachable(step)
  }
}

export function readMultiRead(reader: JuteReader): readonly ReadStep[] {
  const steps: ReadStep[] = []
  for (;;) {
    const { type, done } = records.multiHeader.read(reader)
    if (done) return steps
    if (type === OpCode.getData) steps.push({ kind: 'getData', ...watchedOf(records.watchRequest.read(reader)) })
    else if (type === OpCode.getChildren)
      steps.push({ kind: 'getChildren', ...watchedOf(records.watchRequest.read(reader)) })
    else reader.fail(`no step of a multiRead: ${type}`)
  }
}

export function writeMultiResults(
  writer: JuteWriter,
  types: readonly number[],
  results: readonly StepResponse[],
): void {
  for (const [at, result] of results.entries()) writeResult(writer, types[at]!, result)
  records.multiHeader.write(writer, records.MULTI_END)
}

export function writeReadResults(writer: JuteWriter, results: readonly ReadStepResponse[]): void {
  for (const result of results) {
    switch (result.kind) {
      case 'data':
        writeHeader(writer, OpCode.getData)
        records.dataResponse.write(writer, { data: result.data, stat: statRecord(result.stat) })
        break
      case 'children':
        writeHeader(writer, OpCode.getChildren)
        records.childrenResponse.write(writer, result)
        break
      case 'error':
        writeError(writer, result)
        break
      default:
        unreachable(result)
    }
  }
  records.multiHeader.write(writer, records.MULTI_END)
}

function writeResult(writer: JuteWriter, type: number, result: StepResponse): void {
  if (result.kind === 'error') return writeError(writer, result)
  writeHeader(writer, type)
  if (result.kind === 'stat') records.statResponse.write(writer, { stat: statRecord(result.stat) })
  if (result.kind !== 'created') return
  if (type === OpCode.create) records.pathResponse.write(writer, result)
  else records.createdResponse.write(writer, { path: result.path, stat: statRecord(result.stat) })
}

function writeHeader(writer: JuteWriter, type: number, err = 0): void {
  records.multiHeader.write(writer, { type, done: false, err })
}

function writeError(writer: JuteWriter, { code }: ErrorResponse): void {
  const err = numberOfCode(code)
  writeHeader(writer, OpCode.error, err)
  records.errorResponse.write(writer, { err })
}
