/** README.md's tables of options: the names, defaults and bounds are those of the code. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { resolveClientOptions } from '../../lib/client/client-options.js'
import { type PeerOptions, resolvePeerOptions } from '../../lib/host/peer-options.js'
import { hasCode } from '../../lib/model/errors.js'
import { root } from './built.js'

interface Row {
  readonly name: string
  readonly byDefault: string
  readonly bounds: string
}

/** The rows of the first table behind a heading. */
function tableUnder(heading: string): Row[] {
  const lines = readFileSync(join(root, 'README.md'), 'utf8').split('\n')
  const from = lines.findIndex((line, at) => at > lines.indexOf(heading) && line.startsWith('| ---')) + 1
  const rows: Row[] = []
  for (let at = from; lines[at]?.startsWith('|'); at += 1) {
    const [, names = '', byDefault = '', bounds = ''] = lines[at]!.split(/(?<!\\)\|/).map(cell => cell.trim())
    for (const name of names.split(', ')) rows.push({ name: name.replaceAll('`', ''), byDefault, bounds })
  }
  return rows
}

/** `1,048,575 bytes` and `16 MiB` as numbers; undefined for what is none. */
function numberIn(text: string): number | undefined {
  const [digits, unit] = text.split(' ')
  const value = Number(digits!.replaceAll(',', '') || Number.NaN)
  if (Number.isNaN(value)) return undefined
  return value * ({ KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }[unit ?? ''] ?? 1)
}

function complaintsOf(options: object): string | undefined {
  try {
    resolvePeerOptions({ id: 1, dataDir: ':memory:', ...options } as PeerOptions)
    return undefined
  } catch (error) {
    if (!hasCode(error, 'BAD_OPTIONS')) throw error
    return (error as Error).message
  }
}

describe('the option tables of the README', () => {
  const rows = tableUnder('### `Peer.open(options)`')

  it('has every option of Peer.open, and no other', () => {
    const named = rows.map(({ name }) => name)
    expect(named.filter(name => complaintsOf({ [name]: Symbol() })?.includes('is not an option'))).to.deep.equal([])
    const { protocol, config, dataDir, warnings, ...resolved } = resolvePeerOptions({ id: 1, dataDir: ':memory:' })
    expect([config.members.length, dataDir, warnings]).to.deep.equal([1, ':memory:', []])
    // The same on all members of an ensemble, so not to be chosen.
    const { digestEvery, readOnlyAfterMs, ...chosen } = protocol
    expect([digestEvery, readOnlyAfterMs]).to.deep.equal([128, 2000])
    const known = [...Object.keys(resolved), ...Object.keys(chosen), 'dataDir', 'members']
    expect(named.sort()).to.deep.equal(known.sort())
  })

  for (const { name, bounds } of rows) {
    const [low, high] = bounds.split(' … ').map(numberIn)
    if (low === undefined || high === undefined || name === 'ensemble') continue
    it(`${name} is from ${bounds}`, () => {
      // Alone, a session timeout or notification time may cross the other's default: only complaints about the number itself count.
      const wrong = (value: number) => complaintsOf({ [name]: value })?.includes(`${name} must be`) ?? false
      expect([low - 1, low, high, high + 1].map(wrong)).to.deep.equal([true, false, false, true])
    })
  }

  it('tells the defaults of Peer.open', () => {
    const { protocol, ...resolved } = resolvePeerOptions({ id: 1, dataDir: ':memory:' })
    const actual = new Map(Object.entries({ ...resolved, ...protocol }))
    const told = rows.flatMap(({ name, byDefault }) => {
      const ticks = /^(\d+) × `tickMs`$/.exec(byDefault)
      const value = ticks === null ? numberIn(byDefault) : Number(ticks[1]) * protocol.tickMs
      return value === undefined ? [] : [[name, value] as const]
    })
    expect(told.length).to.be.above(10)
    for (const [name, value] of told) expect(actual.get(name), name).to.equal(value)
  })

  it('tells the options of peer.client, and their defaults', () => {
    const { timeoutMs, codec, ...rest } = resolveClientOptions({})
    const actual = new Map<string, unknown>(Object.entries({ ...rest, codec: codec.name, timeout: timeoutMs }))
    const clientRows = tableUnder('### `peer.client(options)`')
    expect(clientRows.map(({ name }) => name).sort()).to.deep.equal([...actual.keys()].sort())
    for (const { name, byDefault } of clientRows) {
      const value = numberIn(byDefault) ?? (byDefault.replaceAll('`', '') || undefined)
      expect(actual.get(name), name).to.equal(value)
    }
  })
})
