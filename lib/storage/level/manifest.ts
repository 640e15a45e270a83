/**
 * Reads LevelDB's MANIFEST: the changes from which follow the tables that count, one synced record after another.
 *
 * Always holds: what is read is the file as it was at some time: all records up to one of them. A crash may have torn the last one; LevelDB passes
 * over that, and so does this. Anything else is damage, also a block of zeros between others, which LevelDB passes over, too.
 * Source: LevelDB doc/log_format.md, db/log_reader.cc, db/version_edit.cc, db/version_set.cc.
 */
import { ByteReader, Malformed } from './byte-reader.js'
import { maskedCrc32c, viewOf } from './crc32c.js'

const BLOCK_BYTES = 32 * 1024
const HEADER_BYTES = 7
const [FULL, FIRST, MIDDLE, LAST] = [1, 2, 3, 4]

export interface TableRecord {
  readonly number: number
  readonly bytes: number
}

export interface Manifest {
  readonly tables: readonly TableRecord[]
  /** Write-ahead files from this number on count. */
  readonly logNumber: number
}

export interface ManifestHistory {
  readonly now: Manifest
  /** As it was before its last record, which begins at byte `end`; undefined when there is none before. */
  readonly before: (Manifest & { readonly end: number }) | undefined
}

/** Throws Malformed when it is damaged. */
export function readManifest(bytes: Uint8Array): ManifestHistory {
  const records = [...recordsIn(bytes)]
  const edits = records.map(({ record }) => readEdit(record))
  const now = stateAfter(edits)
  if (now === undefined) throw new Malformed('its first record is missing')
  const before = stateAfter(edits.slice(0, -1))
  return { now, before: before === undefined ? undefined : { ...before, end: records.at(-1)!.at } }
}

function stateAfter(edits: readonly ReturnType<typeof readEdit>[]): Manifest | undefined {
  const tables = new Map<number, TableRecord & { readonly level: number }>()
  const known = new Map<Tag, number>()
  for (const edit of edits) {
    for (const [tag, value] of edit.numbers) known.set(tag, value)
    for (const { level, number } of edit.deleted) if (tables.get(number)?.level === level) tables.delete(number)
    for (const table of edit.added) tables.set(table.number, table)
  }
  if (![Tag.logNumber, Tag.nextFile, Tag.lastSequence].every(tag => known.has(tag))) return undefined
  return { tables: [...tables.values()], logNumber: known.get(Tag.logNumber)! }
}

const Tag = {
  comparator: 1,
  logNumber: 2,
  nextFile: 3,
  lastSequence: 4,
  compactPointer: 5,
  deletedFile: 6,
  newFile: 7,
  previousLogNumber: 9,
} as const
type Tag = (typeof Tag)[keyof typeof Tag]

function readEdit(record: Uint8Array) {
  const reader = new ByteReader(record, 'a record of it cannot be read')
  const numbers: [Tag, number][] = []
  const deleted: { readonly level: number; readonly number: number }[] = []
  const added: { readonly level: number; readonly number: number; readonly bytes: number }[] = []
  while (!reader.ended) {
    const tag = reader.varint() as Tag
    switch (tag) {
      case Tag.comparator:
        reader.lengthPrefixed()
        break
      case Tag.logNumber:
      case Tag.nextFile:
      case Tag.lastSequence:
      case Tag.previousLogNumber:
        numbers.push([tag, reader.varint()])
        break
      case Tag.compactPointer:
        reader.varint()
        reader.lengthPrefixed()
        break
      case Tag.deletedFile:
        deleted.push({ level: reader.varint(), number: reader.varint() })
        break
      case Tag.newFile:
        added.push({ level: reader.varint(), number: reader.varint(), bytes: reader.varint() })
        // The first and the last key.
        reader.lengthPrefixed()
        reader.lengthPrefixed()
        break
      default:
        reader.fail()
    }
  }
  return { numbers, deleted, added }
}

/** The records of a file of LevelDB's log format, whole ones only, and where they begin. */
function* recordsIn(
  bytes: Uint8Array,
): Generator<{ readonly at: number; readonly record: Uint8Array }, void, undefined> {
  const view = viewOf(bytes)
  let parts: Uint8Array[] | undefined
  let began = 0
  for (let at = 0; ; ) {
    const rest = BLOCK_BYTES - (at % BLOCK_BYTES)
    if (rest < HEADER_BYTES) {
      at += rest
      continue
    }
    // Torn, or written up to here.
    if (at + HEADER_BYTES > bytes.length) return
    const length = view.getUint16(at + 4, true)
    const type = bytes[at + 6]!
    const end = at + HEADER_BYTES + length
    if (type === 0 && length === 0) {
      if (bytes.length - at <= rest) return
      throw new Malformed(`it has no record at byte ${at}`)
    }
    if (HEADER_BYTES + length > rest) {
      if (bytes.length - at < rest) return
      throw new Malformed(`the record at byte ${at} does not fit`)
    }
    if (end > bytes.length) return
    if (maskedCrc32c(view, at + 6, end) !== view.getUint32(at, true))
      throw new Malformed(`the record at byte ${at} does not have its checksum`)
    const part = bytes.subarray(at + HEADER_BYTES, end)
    const begins = type === FULL || type === FIRST
    if (begins ? parts !== undefined : parts === undefined || (type !== MIDDLE && type !== LAST))
      throw new Malformed(`a record is broken off before byte ${at}`)
    if (begins) {
      parts = []
      began = at
    }
    parts!.push(part)
    if (type === FULL || type === LAST) {
      yield { at: began, record: parts!.length === 1 ? part : Buffer.concat(parts!) }
      parts = undefined
    }
    at = end
  }
}
