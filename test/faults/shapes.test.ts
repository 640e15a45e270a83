import { expect } from 'chai'
import { Chance } from '../crash/chance.js'
import { partition, shapes } from './shapes.js'

describe('shapes of partitions', () => {
  for (const count of [3, 5]) {
    const members = Array.from({ length: count }, (_, index) => index + 1)
    for (const shape of shapes) {
      it(`${shape}, of ${count}: who must serve is a majority in which a leader and everybody hear each other`, () => {
        for (let seed = 0; seed < 200; seed++) {
          const leader = members[seed % count]!
          const { cut, serving } = partition(shape, members, leader, new Chance(seed))
          const passes = (from: number, to: number) => !cut.some(each => each[0] === from && each[1] === to)
          expect(cut).to.satisfy(() => cut.every(([from, to]) => from !== to) && cut.length > 0)
          // Someone whom all who serve hear, and who hears them all, may lead them.
          const centre = members.filter(each =>
            serving.every(other => other === each || (passes(each, other) && passes(other, each))),
          )
          if (shape === 'no majority') {
            expect(serving).to.deep.equal([])
            for (const member of members) {
              const heard = members.filter(each => each === member || (passes(each, member) && passes(member, each)))
              expect(heard.length).to.be.lessThan(count / 2)
            }
          } else {
            expect(serving.length).to.be.greaterThan(count / 2)
            expect(serving.some(each => centre.includes(each))).to.equal(true)
          }
          if (shape === 'leader isolated')
            expect(cut.filter(([from, to]) => from === leader || to === leader)).to.have.length(2 * (count - 1))
          if (shape === 'one way') expect(cut.every(([from, to]) => passes(to, from))).to.equal(true)
        }
      })
    }
  }
})
