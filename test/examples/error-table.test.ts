/** README.md's table of errors: complete, and with ZooKeeper's numbers. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { ownCodes, zookeeperCodes } from '../../lib/model/errors.js'
import { root } from './built.js'

const numbers = new Map<string, number | undefined>([
  ...Object.entries(zookeeperCodes),
  ...ownCodes.map(code => [code, undefined] as const),
])

/** Codes that some source names, so that an application could meet them. Retrying and listing a code does not make it. */
function codesMade(): Set<string> {
  const made = new Set<string>()
  for (const folder of ['lib', 'transports']) {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true, recursive: true })) {
      if (!entry.name.endsWith('.ts') || ['errors.ts', 'retry.ts'].includes(entry.name)) continue
      const source = readFileSync(join(entry.parentPath, entry.name), 'utf8')
      for (const [, code] of source.matchAll(/'([A-Z_]+)'/g)) if (numbers.has(code!) && code !== 'OK') made.add(code!)
    }
  }
  return made
}

describe('the error table of the README', () => {
  const rows = readFileSync(join(root, 'README.md'), 'utf8')
    .split('\n')
    .flatMap(line => {
      const cells = line.split('|').map(cell => cell.trim())
      const code = /^`([A-Z_]+)`$/.exec(cells[1] ?? '')?.[1]
      return code === undefined ? [] : [{ code, number: cells[2]!.replace('−', '-') }]
    })

  it('has every code that an application can meet', () => {
    const told = new Set(rows.map(({ code }) => code))
    expect([...codesMade()].filter(code => !told.has(code))).to.deep.equal([])
  })

  it('has no code that nothing makes, and none twice', () => {
    const made = codesMade()
    expect(rows.map(({ code }) => code).filter(code => !made.has(code))).to.deep.equal([])
    expect(new Set(rows.map(({ code }) => code)).size).to.equal(rows.length)
  })

  it("has ZooKeeper's numbers", () => {
    expect(rows.map(({ code, number }) => [code, number])).to.deep.equal(
      rows.map(({ code }) => [code, String(numbers.get(code) ?? '')]),
    )
  })
})
