/**
 * A file system that loses its power: from recorded operations, what may be found on the disk after a cut at a given place.
 *
 * Always holds: what was written before a completed fsync or fdatasync of its file is kept. Of what was written later: nothing, all, a
 * prefix, or any subset, the last or any of them torn. Names (create, rename, unlink) are kept when their directory was synced after
 * them. Of later ones, by NameMode:
 *   posix      each directory keeps a prefix of them, in their order (what a journal promises, and nothing more)
 *   journal    as ext4, xfs and btrfs do: one prefix for all directories, and the sync of a file makes all names before it durable
 *   unordered  every name by itself, as it was at any moment since the sync
 * Sources: IEEE Std 1003.1 fsync; Pillai and others, "All file systems are not created equal" (OSDI 2014).
 */
import path from 'node:path'
import type { Chance } from '../crash/chance.js'
import type { Operation } from './trace.js'

const nameModes = ['posix', 'journal', 'unordered'] as const
export type NameMode = (typeof nameModes)[number]
export const dataModes = ['none', 'all', 'prefix', 'subset'] as const
export type DataMode = (typeof dataModes)[number]

interface Span {
  readonly begin: number
  readonly end: number
}
type Change = Span & ({ readonly data: Buffer; readonly offset: number } | { readonly size: number })

class Inode {
  readonly directory: boolean
  readonly changes: Change[] = []
  readonly syncs: Span[] = []
  constructor(directory: boolean) {
    this.directory = directory
  }
}

/** What a name stands for from here on; undefined: nothing. A rename is two of them. */
interface NameChange {
  readonly name: string
  readonly inode: Inode | undefined
}
interface NameOperation extends Span {
  readonly directory: Inode
  readonly changes: readonly NameChange[]
  /** The other half of a rename from another directory: there is no moment with two names, or with none. */
  takenFrom?: NameOperation
}

const BEFORE: Span = { begin: -1, end: -1 }
const SECTOR = 512
const PAGE = 4096

export class DiskModel {
  readonly #root: string
  readonly #rootInode = new Inode(true)
  /** As the process saw it last. */
  readonly #names = new Map<string, Inode>()
  readonly #inodes: Inode[] = []
  readonly #nameOperations: NameOperation[] = []

  /** `root` is the top of this file system; `initial` lay there, synced, before the recording began. */
  constructor(root: string, initial: ReadonlyMap<string, Buffer>, operations: readonly Operation[]) {
    this.#root = root
    this.#names.set(root, this.#rootInode)
    this.#inodes.push(this.#rootInode)
    this.#replay([...operationsOf(root, initial), ...operations])
  }

  /** Files by their path in the directory as they may be found after a cut at `place`.  */
  image(place: number, names: NameMode, data: DataMode, chance: Chance): Map<string, Buffer> {
    const found = new Map<string, Buffer>()
    const tables = this.#tablesAt(place, names, chance)
    const contents = new Map<Inode, Buffer>()
    const walk = (directory: Inode, prefix: string) => {
      for (const [name, inode] of tables.get(directory) ?? []) {
        if (inode === undefined) continue
        if (inode.directory) {
          found.set(`${prefix}${name}/`, Buffer.alloc(0))
          walk(inode, `${prefix}${name}/`)
        } else {
          const content = contents.get(inode) ?? contentAt(inode, place, data, chance)
          contents.set(inode, content)
          found.set(`${prefix}${name}`, content)
        }
      }
    }
    walk(this.#rootInode, '')
    return found
  }

  /** After how many name operations begun before `place` no sync of their directory has ended yet. */
  #tablesAt(place: number, mode: NameMode, chance: Chance): Map<Inode, Map<string, Inode | undefined>> {
    const begun = this.#nameOperations.filter(({ begin }) => begin < place)
    const syncs = (mode === 'journal' ? this.#inodes : this.#inodes.filter(inode => inode.directory)).flatMap(inode =>
      inode.syncs.filter(({ end }) => end < place).map(span => ({ inode, begin: span.begin })),
    )
    const certain = (operation: NameOperation) =>
      operation.end < 0 ||
      syncs.some(({ inode, begin }) => operation.end < begin && (mode === 'journal' || inode === operation.directory))

    const tables = new Map<Inode, Map<string, Inode | undefined>>()
    const apply = (directory: Inode, change: NameChange) => {
      const table = tables.get(directory) ?? new Map<string, Inode | undefined>()
      tables.set(directory, table.set(change.name, change.inode))
    }
    const groups = mode === 'journal' ? [begun] : [...groupedBy(begun, ({ directory }) => directory).values()]
    for (const group of groups) {
      const sure = group.findLastIndex(certain) + 1
      const rest = group.slice(sure)
      for (const { directory, changes } of group.slice(0, sure)) for (const change of changes) apply(directory, change)
      if (mode === 'unordered') {
        const byName = groupedBy(
          rest.flatMap(({ changes }) => [...changes]),
          ({ name }) => name,
        )
        for (const changes of byName.values()) {
          const kept = chance.between(0, changes.length)
          if (kept > 0) apply(rest[0]!.directory, changes[kept - 1]!)
        }
      } else {
        const kept = chance.next() < 0.5 ? 0 : chance.between(0, rest.length)
        for (const { directory, changes } of rest.slice(0, kept)) for (const change of changes) apply(directory, change)
      }
    }
    for (const operation of begun) whole(operation, begun, tables)
    return tables
  }

  #replay(operations: readonly Operation[]): void {
    const open = new Map<number, { inode: Inode; offset: number }>()
    for (const operation of operations) {
      const { kind, begin, end } = operation
      const span = { begin, end }
      if (kind === 'open') {
        let inode = this.#names.get(operation.path)
        if (inode === undefined) {
          if (!operation.create) throw new Error(`${operation.path} was opened, but is not known`)
          inode = this.#make(operation.path, false, span)
        } else if (operation.truncate) inode.changes.push({ ...span, size: 0 })
        open.set(operation.fd, { inode, offset: 0 })
      } else if (kind === 'close') open.delete(operation.fd)
      else if (kind === 'write') {
        const file = open.get(operation.fd)
        if (file === undefined) continue
        const offset = operation.offset ?? file.offset
        file.inode.changes.push({ ...span, offset, data: operation.data })
        if (operation.offset === undefined) file.offset = offset + operation.data.length
      } else if (kind === 'sync') open.get(operation.fd)?.inode.syncs.push(span)
      else if (kind === 'truncate') open.get(operation.fd)?.inode.changes.push({ ...span, size: operation.size })
      else if (kind === 'mkdir') this.#make(operation.path, true, span)
      else if (kind === 'rename') {
        const inode = this.#names.get(operation.path)
        if (inode === undefined) throw new Error(`${operation.path} was renamed, but is not known`)
        this.#move(operation.path, operation.to)
        const [from, to] = [operation.path, operation.to].map(file => path.dirname(file)) as [string, string]
        const change = { name: path.basename(operation.to), inode }
        const gone = { name: path.basename(operation.path), inode: undefined }
        if (from === to) this.#name(span, operation.path, [change, gone])
        else {
          const source = this.#name(span, operation.path, [gone])
          this.#name(span, operation.to, [change]).takenFrom = source
        }
      } else {
        this.#names.delete(operation.path)
        this.#name(span, operation.path, [{ name: path.basename(operation.path), inode: undefined }])
      }
    }
  }

  /** With all that lies under it. */
  #move(from: string, to: string): void {
    for (const [name, inode] of [...this.#names]) {
      if (name !== from && !name.startsWith(`${from}/`)) continue
      this.#names.delete(name)
      this.#names.set(to + name.slice(from.length), inode)
    }
  }

  #make(file: string, directory: boolean, span: Span): Inode {
    const inode = new Inode(directory)
    this.#inodes.push(inode)
    this.#names.set(file, inode)
    this.#name(span, file, [{ name: path.basename(file), inode }])
    return inode
  }

  #name(span: Span, file: string, changes: readonly NameChange[]): NameOperation {
    const directory = this.#names.get(path.dirname(file))
    if (directory === undefined) throw new Error(`${file} is outside of ${this.#root}`)
    const operation: NameOperation = { ...span, directory, changes }
    this.#nameOperations.push(operation)
    return operation
  }
}

/** A rename from one directory to another has been done when either half of it is kept: a journal has it as one. */
function whole(
  operation: NameOperation,
  begun: readonly NameOperation[],
  tables: Map<Inode, Map<string, Inode | undefined>>,
): void {
  const source = operation.takenFrom
  if (source === undefined) return
  const [{ name, inode }] = operation.changes as readonly [NameChange]
  const [{ name: before }] = source.changes as readonly [NameChange]
  const left = tables.get(source.directory)
  const here = tables.get(operation.directory)?.get(name) === inode
  const there = left?.get(before) === inode
  if (here && there) left!.delete(before)
  const since = begun.slice(begun.indexOf(operation) + 1)
  const gone = since.some(
    ({ directory, changes }) => directory === operation.directory && changes.some(change => change.name === name),
  )
  if (here || there || gone) return
  const table = tables.get(operation.directory) ?? new Map<string, Inode | undefined>()
  tables.set(operation.directory, table.set(name, inode))
}

/** Which of the changes of a file are found on the disk, and how much of each. */
function contentAt(inode: Inode, place: number, mode: DataMode, chance: Chance): Buffer {
  const begun = inode.changes.filter(({ begin }) => begin < place)
  const synced = Math.max(-1, ...inode.syncs.filter(({ end }) => end < place).map(({ begin }) => begin))
  const certain = (change: Change) => change.end < 0 || change.end < synced
  let content = Buffer.alloc(0)
  const apply = (change: Change) => {
    if ('size' in change) {
      content = resized(content, change.size)
      return
    }
    const size = change.offset + change.data.length
    if (size > content.length) content = resized(content, size)
    change.data.copy(content, change.offset)
  }
  for (const change of begun.filter(certain)) apply(change)
  const rest = begun.filter(change => !certain(change))
  if (mode === 'none' || rest.length === 0) return content
  if (mode === 'all') {
    for (const change of rest) apply(change)
    return content
  }
  if (mode === 'prefix') {
    const kept = chance.between(0, rest.length - 1)
    for (const change of rest.slice(0, kept)) apply(change)
    for (const change of torn(rest[kept]!, chance)) apply(change)
    return content
  }
  for (const change of rest) {
    const what = chance.weighted({ kept: 4, lost: 4, torn: 3, zeros: 1 })
    if (what === 'kept') apply(change)
    else if (what === 'torn') for (const part of torn(change, chance)) apply(part)
    // The new size has reached the disk, the data has not.
    else if (what === 'zeros' && 'data' in change)
      content = resized(content, Math.max(content.length, change.offset + change.data.length))
  }
  return content
}

/** The part of a write that came before the cut: up to any byte, or up to a border of a sector or a page. */
function torn(change: Change, chance: Chance): Change[] {
  if ('size' in change) return chance.next() < 0.5 ? [change] : []
  const { data, offset } = change
  const unit = chance.pick([1, SECTOR, PAGE])
  const cut = offset + chance.between(0, data.length)
  const end = Math.min(Math.max(Math.floor(cut / unit) * unit - offset, 0), data.length)
  return end === 0 ? [] : [{ ...change, data: data.subarray(0, end) }]
}

function resized(content: Buffer, size: number): Buffer<ArrayBuffer> {
  const next = Buffer.alloc(size)
  content.copy(next, 0, 0, size)
  return next
}

function groupedBy<K, V>(items: readonly V[], keyOf: (item: V) => K): Map<K, V[]> {
  const groups = new Map<K, V[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [item])
    else group.push(item)
  }
  return groups
}

/** What lay there before, as operations that ended before the recording. */
function operationsOf(root: string, initial: ReadonlyMap<string, Buffer>): Operation[] {
  return [...initial].flatMap(([name, data]): Operation[] => {
    const file = path.join(root, name)
    if (name.endsWith('/')) return [{ ...BEFORE, kind: 'mkdir', path: file.slice(0, -1) }]
    const open = { ...BEFORE, kind: 'open', path: file, fd: -1, create: true, truncate: false } as const
    return [open, { ...BEFORE, kind: 'write', fd: -1, data, offset: 0 }]
  })
}
