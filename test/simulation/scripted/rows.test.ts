import { existsSync } from 'node:fs'
import { expect } from 'chai'
import { excused, rows, titled } from './rows.js'

describe('the scenarios from known bugs', () => {
  it('are each a test here, or have a reason why not', () => {
    const known = new Set([...titled().keys(), ...excused().keys()])
    expect(rows.filter(row => !known.has(row))).to.deep.equal([])
  })

  it('are rows of the list, and each stands in one place', () => {
    const all = [...titled().keys(), ...excused().keys()]
    expect(all.filter(row => !rows.includes(row))).to.deep.equal([])
    expect([...excused().keys()].filter(row => titled().has(row))).to.deep.equal([])
  })

  it('are played where the table says that others play them', () => {
    const named = [...excused().values()].flatMap(reason => reason.match(/`test\/[^`]+`/g) ?? [])
    const missing = named.filter(name => !existsSync(new URL(`../../../${name.slice(1, -1)}`, import.meta.url)))
    expect(named.length).to.be.greaterThan(0)
    expect(missing).to.deep.equal([])
  })
})
