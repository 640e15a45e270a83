/**
 * multi and multiRead on the wire: for each step a header and its body, then a header that says so; the answer likewise. A step that failed is told by its
 * code twice, and the answer as a whole is no error (semantics §9).
 *
 * Always holds: steps are read one behind the other, each with bytes of its own, so a frame bounds their number.
 * Used by translate.ts. After: core/operations/multi.ts; results come in the order of the steps.
 */
import { unreachable } from '../model/invariant.js'
import type { CreateRequest, MultiStep, ReadStep } from '../model/request.js'
import type { ErrorResponse, ReadStepResponse, StepResponse } from '../model/response.js'
import { numberOfCode } from './error-codes.js'
import { createOf, statRecord } from './model-values.js'
import { OpCode } from './op-codes.js'
import type { JuteReader } from './reader.js'
import * as records from './records.js'
import type { JuteWriter } from './writer.js'

export interface WireMulti {
  readonly steps: readonly MultiStep[]
  /** What each step was asked as: the form of its result follows it. */
  readonly opCodes: readonly number[]
}

export function readMulti(reader: JuteReader): WireMulti {
  const steps: MultiStep[] = []
  const opCodes: number[] = []
  for (;;) {
    const { type, done } = records.multiHeader.read(reader)
    if (done) return { steps, opCodes }
    steps.push(readStep(type, reader))
    opCodes.push(type)
  }
}

function readStep(type: number, reader: JuteReader): MultiStep {
  switch (type) {
    case OpCode.create:
    case OpCode.create2:
      return known(createOf(records.createRequest.read(reader)), reader)
    case OpCode.createContainer:
      return known(createOf(records.createRequest.read(reader), { kind: 'container' }), reader)
    case OpCode.createTtl: {
      const record = records.createTtlRequest.read(reader)
      return known(createOf(record, { kind: 'ttl', ttlMs: record.ttl }), reader)
    }
    case OpCode.delete:
      return { kind: 'delete', ...records.versionRequest.read(reader) }
    case OpCode.setData:
      return { kind: 'setData', ...records.setDataRequest.read(reader) }
    case OpCode.check:
      return { kind: 'check', ...records.versionRequest.read(reader) }
    default:
      return reader.fail(`no step of a multi: ${type}`)
  }
}

/** In a multi an unknown flag leaves all of it without a meaning. */
function known(create: CreateRequest, reader: JuteReader): CreateRequest {
  return create.mode.unknown ? reader.fail('a flag that no znode has') : create
}

export function readMultiRead(reader: JuteReader): readonly ReadStep[] {
  const steps: ReadStep[] = []
  for (;;) {
    const { type, done } = records.multiHeader.read(reader)
    if (done) return steps
    if (type === OpCode.getData) steps.push({ kind: 'getData', ...records.watchRequest.read(reader) })
    else if (type === OpCode.getChildren) steps.push({ kind: 'getChildren', ...records.watchRequest.read(reader) })
    else reader.fail(`no step of a multiRead: ${type}`)
  }
}

export function writeMultiResults(
  writer: JuteWriter,
  opCodes: readonly number[],
  results: readonly StepResponse[],
): void {
  for (const [at, result] of results.entries()) writeResult(writer, opCodes[at]!, result)
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

function writeResult(writer: JuteWriter, opCode: number, result: StepResponse): void {
  switch (result.kind) {
    case 'created':
      writeHeader(writer, opCode === OpCode.create ? OpCode.create : OpCode.create2)
      if (opCode === OpCode.create) records.pathResponse.write(writer, result)
      else records.createdResponse.write(writer, { path: result.path, stat: statRecord(result.stat) })
      return
    case 'stat':
      writeHeader(writer, OpCode.setData)
      records.statResponse.write(writer, { stat: statRecord(result.stat) })
      return
    case 'done':
      writeHeader(writer, opCode)
      return
    case 'error':
      writeError(writer, result)
      return
    default:
      unreachable(result)
  }
}

function writeHeader(writer: JuteWriter, type: number, err = 0): void {
  records.multiHeader.write(writer, { type, done: false, err })
}

function writeError(writer: JuteWriter, { code }: ErrorResponse): void {
  const err = numberOfCode(code)
  writeHeader(writer, OpCode.error, err)
  records.errorResponse.write(writer, { err })
}
