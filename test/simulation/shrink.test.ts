/** What a violation does not need goes away, and what is left says the same. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { type Job, type JobResult, runJob, scenarioOfJob } from './job.js'
import { readKills } from './mutants/kills.js'
import { jobOf, saveRegression } from './regression.js'
import { type RunJobs, type Shrunk, shrink } from './shrink.js'

/** In this process, one after another. */
const here: RunJobs = async (jobs, done) => {
  for (let job = jobs.next(); !job.done; job = jobs.next()) if (done(await runJob(job.value)) === true) return
}

describe('shrinking', function () {
  this.timeout(180_000)

  /** Says what a run of these faults violates, without running anything. */
  const imagined =
    (violated: (kept: readonly string[]) => string | undefined): RunJobs =>
    async (jobs, done) => {
      const all = Array.from({ length: 40 }, (_, index) => `fault ${index + 1}`)
      for (let job = jobs.next(); !job.done; job = jobs.next()) {
        const kept = job.value.change?.kept ?? all
        const row = violated(kept)
        const result: JobResult = {
          job: job.value,
          violation: row === undefined ? undefined : { row, message: 'imagined', event: 1 },
          traceHash: '',
          events: 100,
          virtualMs: 1000,
          commits: 0,
          answered: 0,
          faults: new Map(),
          caused: new Map(kept.map(name => [name, 'crash 1 2'])),
        }
        if (done(result) === true) return
      }
    }

  it('finds the faults that are needed together', async () => {
    const needed = ['fault 3', 'fault 17', 'fault 40']
    const violated = (kept: readonly string[]) => (needed.every(name => kept.includes(name)) ? 'Z8' : undefined)
    const shrunk = await shrink({ seed: 1 }, imagined(violated), 60_000)
    expect([...shrunk!.after.caused.keys()]).to.deep.equal(needed)
    expect(shrunk!.before.caused.size).to.equal(40)
  })

  it('does not take another violation for the same', async () => {
    const violated = (kept: readonly string[]) => (kept.length > 20 ? 'Z8' : 'L1')
    const shrunk = await shrink({ seed: 1 }, imagined(violated), 60_000)
    expect(shrunk!.after.violation!.row).to.equal('Z8')
    expect(shrunk!.after.caused.size).to.equal(21)
  })

  it('has nothing to do where nothing is violated', async () => {
    expect(
      await shrink(
        { seed: 1 },
        imagined(() => undefined),
        60_000,
      ),
    ).to.equal(undefined)
  })

  it('ends when its time is up', async () => {
    const shrunk = await shrink(
      { seed: 1 },
      imagined(() => 'Z8'),
      0,
    )
    expect(shrunk!.after.violation!.row).to.equal('Z8')
  })

  it('keeps a scenario in a file as it is', () => {
    const directory = mkdtempSync(join(tmpdir(), 'vivarium-'))
    try {
      for (const depth of [undefined, 'host'] as const)
        for (let seed = 1; seed <= 20; seed++) {
          const change = { ...scenarioOfJob({ seed, depth }), kept: ['fault 1'] }
          const violation = { row: 'Z8', message: 'imagined', event: 1 }
          const caused = new Map([['fault 1', 'crash 1 2']])
          const after = { job: { seed, depth, change }, violation, caused } as unknown as JobResult
          expect(jobOf(saveRegression({ before: after, after }, directory)).change).to.deep.equal(change)
        }
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  const planted: readonly Pick<Job, 'mutant' | 'depth'>[] = [
    { mutant: 'recovery passes a gap in the log' },
    { mutant: 'observers are not told that the ensemble is gone', depth: 'host' },
  ]
  for (const { mutant, depth } of planted) {
    it(`finds with less, and again from a file, that ${mutant}`, async () => {
      let shrunk: Shrunk | undefined
      // The recorded seeds first: a change of ours may have moved the find to another one.
      for (const seed of [...readKills().get(mutant!)!.seeds, ...Array.from({ length: 30 }, (_, index) => index + 1)]) {
        shrunk = await shrink({ seed, mutant, depth }, here, 15_000)
        if (shrunk !== undefined && shrunk.before.caused.size > (depth === 'host' ? 0 : 5)) break
      }
      const { before, after } = shrunk!
      expect(after.violation!.row).to.equal(before.violation!.row)
      expect(after.caused.size).to.be.at.most(before.caused.size)
      expect(after.events).to.be.lessThan(before.events)
      const directory = mkdtempSync(join(tmpdir(), 'vivarium-'))
      try {
        const again = await runJob({ ...jobOf(saveRegression(shrunk!, directory)), mutant })
        expect(again.violation).to.deep.equal(after.violation)
        expect(again.traceHash).to.equal(after.traceHash)
        expect(again.caused).to.deep.equal(after.caused)
      } finally {
        rmSync(directory, { recursive: true })
      }
    })
  }
})
