import { expect } from 'chai'
import { excused, open, rows, titled } from './rows.js'

describe('the scenarios from known bugs', () => {
  it('are each a test here, or have a reason why not, or are open', () => {
    const known = new Set([...titled().keys(), ...excused().keys(), ...open])
    expect(rows.filter(row => !known.has(row))).to.deep.equal([])
  })

  it('are rows of the list, and each stands in one place', () => {
    const all = [...titled().keys(), ...excused().keys()]
    expect(all.filter(row => !rows.includes(row))).to.deep.equal([])
    expect([...excused().keys()].filter(row => titled().has(row))).to.deep.equal([])
  })
})
