import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'

/** A process of its own: the cores in it have open fields. */
function search(...args: readonly string[]): { readonly status: number | null; readonly said: string } {
  const place = (name: string) => fileURLToPath(new URL(name, import.meta.url))
  const command = ['--import', 'tsx', '--import', place('./open-fields.mjs'), place('./main.ts'), ...args]
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { encoding: 'utf8' })
  return { status, said: `${stdout}${stderr}` }
}

describe('small scope', () => {
  it('finds nothing in a few thousand states, with transactions, crashes, second leaders and cuts among them', function () {
    this.timeout(120_000)
    const { status, said } = search('--states', '5000')
    expect(said).to.match(/: 50\d\d states/)
    expect(status, said).to.equal(0)
    const counts = /acknowledged in (\d+), a second epoch in (\d+), a crash in (\d+), cut in (\d+)/.exec(said)!
    for (const count of counts.slice(1)) expect(Number(count)).to.be.greaterThan(20)
  })

  it('sees all there is of a smaller scope', function () {
    this.timeout(120_000)
    const { status, said } = search('--all', '--txns', '1', '--crashes', '0', '--partitions', '0', '--timers', '0')
    expect(said).to.include('all there are')
    expect(status, said).to.equal(0)
  })

  for (const [bug, row, seed] of [
    ['a proposal counts as durable when it is handed to the disk', 'Z', '1'],
    ['a log is cut in memory only', 'Z14', '1'],
  ] as const) {
    it(`finds a planted bug: ${bug}`, function () {
      this.timeout(120_000)
      const { status, said } = search('--states', '60000', '--seed', seed, '--mutant', bug)
      expect(said).to.include(`VIOLATION: ${row}`)
      expect(status).to.equal(1)
    })
  }
})
