/** Faults are a schedule: whatever is left out of it, the rest is what it was. */
import { expect } from 'chai'
import { hostRun } from './host/host-run.js'
import { run } from './run.js'
import { badDisks, everyFamily, type ScenarioChange } from './scenario.js'
import { Schedule } from './schedule.js'

const short = { ...badDisks, durationMs: 3000 }

describe('schedule of faults', function () {
  this.timeout(120_000)

  const comes = (kept?: readonly string[]): string[] => {
    const queue: { at: number; run: () => void }[] = []
    const notes: string[] = []
    let now = 0
    const schedule = new Schedule(42, kept, {
      after: (delayMs, run) => queue.push({ at: now + delayMs, run }),
      note: text => notes.push(`${now.toFixed(3)} ${text}`),
    })
    for (const family of ['fault', 'disk fault'])
      schedule.series(
        family,
        100,
        () => now < 2000,
        random => `${random.below(1000)} ${schedule.aftermath('restart').below(1000)}`,
      )
    while (queue.length > 0) {
      queue.sort((a, b) => a.at - b.at)
      const next = queue.shift()!
      now = next.at
      next.run()
    }
    return notes
  }

  it('leaves a fault as it was when others are left out', () => {
    const all = comes()
    expect(all.length).to.be.greaterThan(20)
    expect(comes(['fault 3', 'disk fault 2', 'fault 7'])).to.deep.equal(
      all.filter(note => /^[\d.]+ (fault 3|disk fault 2|fault 7):/.test(note)),
    )
    expect(comes([])).to.deep.equal([])
  })

  it('R4: a run with only the faults that did something is the same run', async () => {
    const all = run(5, { scenario: short })
    const kept = [...all.caused.keys()]
    expect(kept.length).to.be.greaterThan(5)
    expect(run(5, { scenario: { ...short, kept } }).traceHash).to.equal(all.traceHash)
    const families: ScenarioChange = { families: { ...everyFamily, aimed: true }, durationMs: 2000 }
    const many = run(2, { scenario: families })
    expect(many.caused.size).to.be.greaterThan(20)
    expect(run(2, { scenario: { ...families, kept: [...many.caused.keys()] } }).traceHash).to.equal(many.traceHash)
    const ofHosts = { durationMs: 1500, clients: 2, faultEveryMs: 150 }
    const deep = await hostRun(3, { scenario: ofHosts })
    expect(deep.caused.size).to.be.greaterThan(0)
    const again = await hostRun(3, { scenario: { ...ofHosts, kept: [...deep.caused.keys()] } })
    expect(again.traceHash).to.equal(deep.traceHash)
  })

  it('leaves out what is not kept', () => {
    const all = run(5, { scenario: short })
    const kept = [...all.caused.keys()].slice(0, 2)
    expect([...run(5, { scenario: { ...short, kept } }).caused.keys()]).to.have.members(kept)
    expect(run(5, { scenario: { ...short, kept: [] } }).caused.size).to.equal(0)
  })
})
