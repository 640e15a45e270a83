/**
 * The grammar of ZooKeeper's messages as values: primitives, and records and vectors made of them. A record is its fields in order, with no tag
 * and no length, so the order in which they stand here is the order on the wire; both directions come from the one description.
 * Before: records.ts, the vocabulary. Semantics §1.
 */
import type { SessionId } from '../model/ids.js'
import type { Zxid } from '../model/zxid.js'
import type { JuteReader } from './reader.js'
import type { JuteWriter } from './writer.js'

export interface Jute<T> {
  /** What a value takes at least: how many can be in what remains of a frame is known before any is read. */
  readonly bytesMin: number
  read(reader: JuteReader): T
  write(writer: JuteWriter, value: T): void
}

export const bool: Jute<boolean> = { bytesMin: 1, read: r => r.bool(), write: (w, value) => w.bool(value) }
export const int: Jute<number> = { bytesMin: 4, read: r => r.int(), write: (w, value) => w.int(value) }
export const long: Jute<number> = { bytesMin: 8, read: r => r.long(), write: (w, value) => w.long(value) }
export const buffer: Jute<Uint8Array | null> = {
  bytesMin: 4,
  read: r => r.buffer(),
  write: (w, value) => w.buffer(value),
}
export const ustring: Jute<string | null> = {
  bytesMin: 4,
  read: r => r.text(),
  write: (w, value) => w.text(value),
}
export const zxid: Jute<Zxid> = {
  bytesMin: 8,
  read: r => r.zxid(),
  write: (w, { epoch, counter }) => w.words(epoch, counter),
}
/** 0 where there is none. */
export const session: Jute<SessionId> = {
  bytesMin: 8,
  read: r => r.session(),
  write: (w, id) => w.words(Number.parseInt(id.slice(0, 8), 16), Number.parseInt(id.slice(8), 16)),
}

/** A string that must be there: what the protocol could leave out, but nobody can work without. */
export const text: Jute<string> = {
  bytesMin: 4,
  read: r => r.text() ?? r.fail('a string that is not there'),
  write: (w, value) => w.text(value),
}

export function vector<T>(item: Jute<T>): Jute<readonly T[] | null> {
  return {
    bytesMin: 4,
    read(reader) {
      const count = reader.count(item.bytesMin)
      if (count === null) return null
      const items: T[] = []
      for (let n = 0; n < count; n++) items.push(item.read(reader))
      return items
    },
    write(writer, items) {
      writer.int(items === null ? -1 : items.length)
      if (items !== null) for (const each of items) item.write(writer, each)
    },
  }
}

/** A vector that is taken for empty when it is not there. */
export function list<T>(item: Jute<T>): Jute<readonly T[]> {
  const { bytesMin, read, write } = vector(item)
  return { bytesMin, read: reader => read(reader) ?? [], write }
}

export function record<T extends object>(fields: { readonly [K in keyof T]: Jute<T[K]> }): Jute<T> {
  const entries = Object.entries(fields) as [keyof T, Jute<T[keyof T]>][]
  return {
    bytesMin: entries.reduce((sum, [, field]) => sum + field.bytesMin, 0),
    read(reader) {
      const value = {} as T
      for (const [name, field] of entries) value[name] = field.read(reader)
      return value
    },
    write(writer, value) {
      for (const [name, field] of entries) field.write(writer, value[name])
    },
  }
}
