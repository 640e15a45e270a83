/**
 * Writes as a learner forwards them to the leader, and sync: the last item of a `request` message.
 * Shapes only; what is inside is judged by the leader (core/operations), as if the client were its own.
 */
import { createModeFlag, createModeFromFlag } from '../model/create-mode.js'
import type { MultiStep, SyncRequest, WriteRequest } from '../model/request.js'
import type { CborReader } from './cbor-reader.js'
import type { CborWriter } from './cbor-writer.js'
import { readAcl, readData, readSession, writeAcl, writeData, writeSession } from './field-codec.js'
import { type Shapes, UnionCodec } from './union-codec.js'

const stepShapes: Shapes<MultiStep> = {
  create: {
    type: 1,
    items: 4,
    write(writer, request) {
      writer.text(request.path)
      writeData(writer, request.data)
      writeAcl(writer, request.acl)
      writer.uint(createModeFlag(request.mode))
    },
    read: reader => ({
      kind: 'create',
      path: reader.text(),
      data: readData(reader),
      acl: readAcl(reader),
      mode: createModeFromFlag(reader.uint()) ?? reader.fail('unknown create mode'),
    }),
  },
  delete: {
    type: 2,
    items: 2,
    write(writer, request) {
      writer.text(request.path)
      writer.int(request.version)
    },
    read: reader => ({ kind: 'delete', path: reader.text(), version: reader.int() }),
  },
  setData: {
    type: 3,
    items: 3,
    write(writer, request) {
      writer.text(request.path)
      writeData(writer, request.data)
      writer.int(request.version)
    },
    read: reader => ({ kind: 'setData', path: reader.text(), data: readData(reader), version: reader.int() }),
  },
  check: {
    type: 5,
    items: 2,
    write(writer, request) {
      writer.text(request.path)
      writer.int(request.version)
    },
    read: reader => ({ kind: 'check', path: reader.text(), version: reader.int() }),
  },
}

const steps = new UnionCodec<MultiStep>(stepShapes)

const requests = new UnionCodec<WriteRequest | SyncRequest>({
  ...stepShapes,
  setAcl: {
    type: 4,
    items: 3,
    write(writer, request) {
      writer.text(request.path)
      writeAcl(writer, request.acl)
      writer.int(request.version)
    },
    read: reader => ({ kind: 'setAcl', path: reader.text(), acl: readAcl(reader), version: reader.int() }),
  },
  createSession: {
    type: 6,
    items: 4,
    write(writer, request) {
      writeSession(writer, request.session)
      writer.uint(request.timeoutMs)
      writer.bytes(request.password)
    },
    read: reader => ({
      kind: 'createSession',
      session: readSession(reader),
      timeoutMs: reader.uint(),
      password: reader.bytes(),
    }),
  },
  closeSession: {
    type: 7,
    items: 0,
    write() {},
    read: () => ({ kind: 'closeSession' }),
  },
  multi: {
    type: 9,
    items: 1,
    write(writer, request) {
      writer.array(request.steps.length)
      for (const step of request.steps) steps.write(writer, step)
    },
    read(reader) {
      const count = reader.array()
      const list: MultiStep[] = []
      for (let i = 0; i < count; i++) list.push(steps.read(reader))
      return { kind: 'multi', steps: list }
    },
  },
  sync: {
    type: 10,
    items: 1,
    write: (writer, request) => writer.text(request.path),
    read: reader => ({ kind: 'sync', path: reader.text() }),
  },
})

export function writeRequest(writer: CborWriter, request: WriteRequest | SyncRequest): void {
  requests.write(writer, request)
}

export function readRequest(reader: CborReader): WriteRequest | SyncRequest {
  return requests.read(reader)
}
