import { expect } from 'chai'
import { SharedLimits, type Waiting } from '../../../../lib/jute/server/shared-limits.js'

class Connection implements Waiting {
  readonly told: string[] = []
  readonly onGoOn: () => void
  constructor(onGoOn: () => void = () => {}) {
    this.onGoOn = onGoOn
  }
  goOn(): void {
    this.told.push('go on')
    this.onGoOn()
  }
  giveUp(): void {
    this.told.push('give up')
  }
}

describe('what connections share', () => {
  it('lets those that wait go on as soon as there is room, and only as long as there is', () => {
    const shared = new SharedLimits({ outstandingMax: 2, partialBytesMax: 1 })
    shared.asked()
    shared.asked()
    expect(shared.crowded).to.equal(true)
    const [first, second] = [new Connection(() => shared.asked()), new Connection()]
    shared.wait(first)
    shared.wait(second)
    shared.answered()
    expect([first.told, second.told]).to.deep.equal([['go on'], []])
    shared.answered(2)
    expect(second.told).to.deep.equal(['go on'])
    expect(shared.outstanding).to.equal(0)
  })

  it('gives up the frame that began first when all of them have announced too much', () => {
    const shared = new SharedLimits({ outstandingMax: 1, partialBytesMax: 1000 })
    const [first, second, third] = [new Connection(), new Connection(), new Connection()]
    shared.partial(first, 400)
    shared.partial(second, 600)
    expect(first.told).to.deep.equal([])
    shared.partial(third, 1)
    expect([first.told, second.told, third.told]).to.deep.equal([['give up'], [], []])
    shared.partial(second, 0)
    shared.partial(third, 1000)
    expect([second.told, third.told]).to.deep.equal([[], []])
  })

  it('forgets a connection that has ended', () => {
    const shared = new SharedLimits({ outstandingMax: 1, partialBytesMax: 1000 })
    const gone = new Connection()
    shared.asked()
    shared.wait(gone)
    shared.partial(gone, 1000)
    shared.forget(gone)
    shared.answered()
    shared.partial(new Connection(), 1000)
    expect(gone.told).to.deep.equal([])
  })
})
