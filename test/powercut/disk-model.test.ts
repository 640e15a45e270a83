import { expect } from 'chai'
import { Chance } from '../crash/chance.js'
import { type DataMode, DiskModel, type NameMode } from './disk-model.js'
import type { Operation } from './trace.js'

/** The moments of a call: begun at its number, returned half a moment later. */
function recorded(...calls: readonly Record<string, unknown>[]): Operation[] {
  return calls.map((call, at) => ({ begin: at, end: at + 0.5, ...call }) as unknown as Operation)
}
const open = (path: string, fd: number) => ({ kind: 'open', path: `/top${path}`, fd, create: true, truncate: false })
const write = (fd: number, text: string) => ({ kind: 'write', fd, data: Buffer.from(text), offset: undefined })
const sync = (fd: number) => ({ kind: 'sync', fd })
const rename = (from: string, to: string) => ({ kind: 'rename', path: `/top${from}`, to: `/top${to}` })

/** All that may be found, over many cuts at the same place. */
function found(
  operations: Operation[],
  place: number,
  names: NameMode,
  data: DataMode,
  top = new Map<string, Buffer>(),
) {
  const disk = new DiskModel('/top', top, operations)
  const images = new Set<string>()
  for (let seed = 0; seed < 300; seed++) {
    const image = disk.image(place, names, data, new Chance(seed))
    images.add(
      [...image]
        .map(([name, content]) => `${name}=${content}`)
        .sort()
        .join(' '),
    )
  }
  return [...images].sort()
}

describe('disk that loses its power', () => {
  it('keeps what was synced, of a file whose directory was synced', () => {
    const operations = recorded(open('/a', 3), write(3, 'one'), sync(3), open('', 4), sync(4), write(3, 'two'))
    expect(found(operations, 99, 'posix', 'none')).to.deep.equal(['a=one'])
    expect(found(operations, 99, 'posix', 'all')).to.deep.equal(['a=onetwo'])
    expect(found(operations, 99, 'posix', 'prefix')).to.deep.equal(['a=one', 'a=onet', 'a=onetw', 'a=onetwo'])
  })

  it('forgets a synced file whose name was not synced, as POSIX may', () => {
    const operations = recorded(open('/a', 3), write(3, 'one'), sync(3))
    expect(found(operations, 99, 'posix', 'none')).to.deep.equal(['', 'a=one'])
    expect(found(operations, 99, 'journal', 'none')).to.deep.equal(['a=one'])
  })

  it('keeps only what was synced before the cut', () => {
    const operations = recorded(open('/a', 3), write(3, 'one'), open('', 4), sync(4), sync(3))
    expect(found(operations, 4.2, 'posix', 'none')).to.deep.equal(['a='])
    expect(found(operations, 5, 'posix', 'none')).to.deep.equal(['a=one'])
  })

  it('does not count a write that was under way when the sync began', () => {
    const operations = recorded(open('/a', 3), open('', 4), sync(4), { ...write(3, 'one'), end: 9 }, sync(3))
    expect(found(operations, 99, 'posix', 'none')).to.deep.equal(['a='])
  })

  it('renames in one step where names keep their order, and name by name where they do not', () => {
    const top = new Map([
      ['new', Buffer.from('2')],
      ['old', Buffer.from('1')],
    ])
    const operations = recorded(rename('/new', '/old'))
    expect(found(operations, 99, 'posix', 'none', top)).to.deep.equal(['new=2 old=1', 'old=2'])
    expect(found(operations, 99, 'unordered', 'none', top)).to.deep.equal([
      'new=2 old=1',
      'new=2 old=2',
      'old=1',
      'old=2',
    ])
  })

  it('renames from one directory to another as a whole', () => {
    const made = [
      { kind: 'mkdir', path: '/top/d' },
      { kind: 'mkdir', path: '/top/e' },
      open('/e/a', 3),
      open('', 4),
      sync(4),
    ]
    const operations = recorded(...made, open('/e', 5), sync(5), rename('/e', '/d/f'), open('/d', 6), sync(6))
    for (const names of ['posix', 'journal', 'unordered'] as const) {
      expect(found(operations, 8, names, 'none'), names).to.deep.equal(['d/= d/f/= d/f/a=', 'd/= e/= e/a='])
      expect(found(operations, 99, names, 'none'), names).to.deep.equal(['d/= d/f/= d/f/a='])
    }
  })

  it('loses any of the unsynced writes, and has zeros where only the size has changed', () => {
    const operations = recorded(open('/a', 3), open('', 4), sync(4), write(3, 'x'), write(3, 'y'))
    expect(found(operations, 99, 'posix', 'subset')).to.deep.equal(
      ['', '\0', '\0\0', '\0y', 'x', 'x\0', 'xy'].map(c => `a=${c}`),
    )
  })
})
