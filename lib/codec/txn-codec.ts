/**
 * Txns as bytes: the body of a record. docs/format.md "Record" shows the shapes as a table.
 * Data in a decoded txn is a copy of exactly its size: it goes on to live in the tree.
 * After: record.ts, which puts the place in the order in front and a checksum behind.
 */
import type { StepTxn, Txn } from '../model/txn.js'
import { asBuffer, CborReader } from './cbor-reader.js'
import { CborWriter } from './cbor-writer.js'
import {
  readAcl,
  readData,
  readOwner,
  readReplyCode,
  readSession,
  readZxid,
  writeAcl,
  writeData,
  writeOwner,
  writeReplyCode,
  writeSession,
  writeZxid,
} from './field-codec.js'
import { type Shapes, UnionCodec } from './union-codec.js'

const stepShapes: Shapes<StepTxn> = {
  create: {
    type: 1,
    items: 5,
    write(writer, txn) {
      writer.text(txn.path)
      writeData(writer, txn.data)
      writeAcl(writer, txn.acl)
      writeOwner(writer, txn.owner)
      writer.int(txn.parentCversion)
    },
    read: reader => ({
      kind: 'create',
      path: reader.text(),
      data: readData(reader),
      acl: readAcl(reader),
      owner: readOwner(reader),
      parentCversion: reader.int(),
    }),
  },
  delete: {
    type: 2,
    items: 3,
    write(writer, txn) {
      writer.text(txn.path)
      writeZxid(writer, txn.replaces)
    },
    read: reader => ({ kind: 'delete', path: reader.text(), replaces: readZxid(reader) }),
  },
  setData: {
    type: 3,
    items: 5,
    write(writer, txn) {
      writer.text(txn.path)
      writeData(writer, txn.data)
      writer.int(txn.version)
      writeZxid(writer, txn.replaces)
    },
    read: reader => ({
      kind: 'setData',
      path: reader.text(),
      data: readData(reader),
      version: reader.int(),
      replaces: readZxid(reader),
    }),
  },
  check: {
    type: 5,
    items: 2,
    write(writer, txn) {
      writer.text(txn.path)
      writer.int(txn.version)
    },
    read: reader => ({ kind: 'check', path: reader.text(), version: reader.int() }),
  },
  error: {
    type: 8,
    items: 1,
    write: (writer, txn) => writeReplyCode(writer, txn.code),
    read: reader => ({ kind: 'error', code: readReplyCode(reader) }),
  },
}

const steps = new UnionCodec<StepTxn>(stepShapes)

const txns = new UnionCodec<Txn>({
  ...stepShapes,
  setAcl: {
    type: 4,
    items: 3,
    write(writer, txn) {
      writer.text(txn.path)
      writeAcl(writer, txn.acl)
      writer.int(txn.version)
    },
    read: reader => ({ kind: 'setAcl', path: reader.text(), acl: readAcl(reader), version: reader.int() }),
  },
  createSession: {
    type: 6,
    items: 4,
    write(writer, txn) {
      writeSession(writer, txn.session)
      writer.uint(txn.timeoutMs)
      writer.bytes(txn.password)
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
    items: 2,
    write: (writer, txn) => writeSession(writer, txn.session),
    read: reader => ({ kind: 'closeSession', session: readSession(reader) }),
  },
  multi: {
    type: 9,
    items: 1,
    write(writer, txn) {
      writer.array(txn.steps.length)
      for (const step of txn.steps) steps.write(writer, step)
    },
    read(reader) {
      const count = reader.array()
      const list: StepTxn[] = []
      for (let i = 0; i < count; i++) list.push(steps.read(reader))
      return { kind: 'multi', steps: list }
    },
  },
})

export function writeTxn(writer: CborWriter, txn: Txn): void {
  txns.write(writer, txn)
}

/** The txn that fills the rest of the reader's frame. */
export function readTxn(reader: CborReader): Txn {
  const txn = txns.read(reader)
  reader.finish()
  return txn
}

export function encodeTxn(txn: Txn): Uint8Array {
  const writer = new CborWriter()
  writer.begin()
  writeTxn(writer, txn)
  return writer.finish()
}

/** Throws DATA_CORRUPT. */
export function decodeTxn(bytes: Uint8Array): Txn {
  return readTxn(new CborReader(asBuffer(bytes), 0, bytes.length, 'DATA_CORRUPT'))
}
