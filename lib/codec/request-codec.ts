/**
 * Writes as a learner forwards them to the leader, and sync: the last item of a `request` message.
 * Shapes only; what is inside is judged by the leader (core/operations), as if the client were its own.
 */
import { createModeFlag, createModeFromFlag, type Lifetime } from '../model/create-mode.js'
import { isTtl } from '../model/owner.js'
import type { CreateRequest, ForwardableRequest, MultiStep } from '../model/request.js'
import type { CborReader } from './cbor-reader.js'
import type { CborWriter } from './cbor-writer.js'
import {
  readAcl,
  readData,
  readReplyCode,
  readSession,
  writeAcl,
  writeData,
  writeReplyCode,
  writeSession,
} from './field-codec.js'
import { type Shapes, UnionCodec } from './union-codec.js'

const stepShapes: Shapes<MultiStep> = {
  create: {
    type: 1,
    items: 4,
    added: { max: 1, of: request => (request.lifetime === undefined ? 0 : 1) },
    write(writer, request) {
      writer.text(request.path)
      writeData(writer, request.data)
      writeAcl(writer, request.acl)
      writer.uint(createModeFlag(request.mode))
      if (request.lifetime !== undefined) writer.uint53(ttlNumber(request.lifetime))
    },
    read: (reader, added) => readCreate(reader, added === 1),
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

/** A container has no TTL; nor has what is refused for its TTL, and stays so. */
const CONTAINER_NUMBER = 0
const NO_TTL_NUMBER = Number.MAX_SAFE_INTEGER

function ttlNumber(lifetime: Lifetime): number {
  if (lifetime.kind === 'container') return CONTAINER_NUMBER
  return isTtl(lifetime.ttlMs) ? lifetime.ttlMs : NO_TTL_NUMBER
}

function readCreate(reader: CborReader, lives: boolean): CreateRequest {
  const path = reader.text()
  const data = readData(reader)
  const acl = readAcl(reader)
  const flag = reader.uint()
  const mode = createModeFromFlag(flag)
  if (createModeFlag(mode) !== flag) reader.fail('unknown create mode')
  if (!lives) return { kind: 'create', path, data, acl, mode }
  const ttlMs = reader.uint53()
  if (ttlMs !== NO_TTL_NUMBER && ttlMs !== CONTAINER_NUMBER && !isTtl(ttlMs)) reader.fail('unknown lifetime')
  const lifetime: Lifetime = ttlMs === CONTAINER_NUMBER ? { kind: 'container' } : { kind: 'ttl', ttlMs }
  return { kind: 'create', path, data, acl, mode, lifetime }
}

const requests = new UnionCodec<ForwardableRequest>({
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
  reconfig: {
    type: 11,
    items: 0,
    write() {},
    read: () => ({ kind: 'reconfig' }),
  },
  sync: {
    type: 10,
    items: 1,
    write: (writer, request) => writer.text(request.path),
    read: reader => ({ kind: 'sync', path: reader.text() }),
  },
  invalid: {
    type: 20,
    items: 1,
    write: (writer, request) => writeReplyCode(writer, request.code),
    read: reader => ({ kind: 'invalid', code: readReplyCode(reader) }),
  },
})

export function writeRequest(writer: CborWriter, request: ForwardableRequest): void {
  requests.write(writer, request)
}

export function readRequest(reader: CborReader): ForwardableRequest {
  return requests.read(reader)
}
