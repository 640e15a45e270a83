import { expect } from 'chai'
import { hasCode } from '../../../../lib/model/errors.js'
import { VirtualTime } from '../../../../lib/testing/virtual/timeline.js'
import { VirtualProcess } from '../../../../lib/testing/virtual/virtual-process.js'

describe('virtual time', () => {
  it('runs events by their time, then by their making, and lets all that follows run dry between two', async () => {
    const time = new VirtualTime()
    const seen: string[] = []
    time.after(2, () => seen.push(`third at ${time.now()}`))
    time.after(1, () => {
      seen.push(`first at ${time.now()}`)
      process.nextTick(() => {
        seen.push('tick')
        queueMicrotask(() => process.nextTick(() => seen.push('tick of a microtask of a tick')))
      })
      void (async () => {
        for (let i = 0; i < 100; i++) await undefined
        seen.push('a hundred microtasks')
      })()
    })
    time.after(1, () => seen.push(`second at ${time.now()}`))
    await time.run(10)
    expect(seen).to.deep.equal([
      'first at 1',
      'tick',
      'a hundred microtasks',
      'tick of a microtask of a tick',
      'second at 1',
      'third at 2',
    ])
    expect(time.now()).to.equal(10)
    expect(time.pending).to.equal(0)
  })

  it('stops as soon as the condition holds, and says whether it does', async () => {
    const time = new VirtualTime()
    let count = 0
    const next = (): void => {
      count += 1
      time.after(1, next)
    }
    time.after(1, next)
    expect(await time.run(100, () => count === 3)).to.equal(true)
    expect(time.now()).to.equal(3)
    expect(await time.run(5, () => count === 100)).to.equal(false)
    expect(time.now()).to.equal(5)
    expect(time.pending).to.equal(1)
  })

  it('counts nothing that was cancelled', async () => {
    const time = new VirtualTime()
    const cancel = time.after(5, () => expect.fail('cancelled'))
    time.after(1, cancel)
    expect(await time.run(10)).to.equal(true)
    expect(time.events).to.equal(1)
    cancel()
    expect(time.pending).to.equal(0)
  })

  it('goes on in the turn in which it was awaited, with no event of an earlier run in between', async () => {
    const time = new VirtualTime()
    const seen: number[] = []
    for (let at = 1; at <= 200; at++) time.after(at, () => seen.push(at))
    for (let at = 1; at <= 200; at++) {
      await time.run(at)
      expect(seen.length).to.equal(at)
    }
  })

  it('rejects with what an event throws, and goes on afterwards', async () => {
    const time = new VirtualTime()
    time.after(1, () => {
      throw new Error('a bug')
    })
    time.after(2, () => undefined)
    const error: unknown = await time.run(10).catch(thrown => thrown)
    expect((error as Error).message).to.equal('a bug')
    expect(await time.run(10)).to.equal(true)
    expect(time.events).to.equal(2)
  })

  it('passes for one at a time', () => {
    const time = new VirtualTime()
    void time.run(1)
    let thrown: unknown
    try {
      void time.run(2)
    } catch (error) {
      thrown = error
    }
    expect(hasCode(thrown, 'INTERNAL')).to.equal(true)
  })
})

describe('virtual process', () => {
  it('stands still, and has everything happen in order when it goes on', async () => {
    const time = new VirtualTime()
    const process = new VirtualProcess(time)
    const seen: string[] = []
    process.clock.schedule(1, () => {
      seen.push('timer 1')
      cancel()
    })
    const cancel = process.clock.schedule(2, () => seen.push('timer 2'))
    process.clock.schedule(3, () => seen.push('timer 3'))
    process.pause()
    await time.run(10)
    process.enter(() => seen.push('entered'))
    expect(seen).to.deep.equal([])
    process.resume()
    await time.run(11)
    expect(seen).to.deep.equal(['timer 1', 'timer 3', 'entered'])
    expect(process.timers).to.equal(0)
  })

  it('leaves no timer when it ends, and starts none', async () => {
    const time = new VirtualTime()
    const process = new VirtualProcess(time)
    process.clock.schedule(1, () => expect.fail('after its end'))
    process.kill()
    process.clock.schedule(1, () => expect.fail('after its end'))
    process.enter(() => expect.fail('after its end'))
    expect(time.pending).to.equal(0)
    await time.run(10)
    let letGo = false
    process.clock.afterLoop(() => {
      letGo = true
    })
    await undefined
    expect(letGo).to.equal(true)
  })

  it('has clocks of its own', async () => {
    const time = new VirtualTime()
    const process = new VirtualProcess(time, { offsetMs: 100, rate: 2, wallMs: 5000, timerLateMs: () => 7 })
    let firedAt: number | undefined
    process.clock.schedule(40, () => {
      firedAt = time.now()
    })
    await time.run(1000)
    expect(firedAt).to.equal(27)
    expect(process.clock.now()).to.equal(2100)
    expect(process.clock.wall()).to.equal(6000)
    process.stepWall(-3000)
    expect(process.clock.wall()).to.equal(3000)
  })
})
